"""Checklist 17: a multi-instance task from its nodes to its end (Azure Batch: *Multi-instance tasks*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import Failure, statistics
from batch_emulator.service.effects import EndInstance, KillRun, RemoveTaskFiles
from batch_emulator.service.events import RunEnded, RunLost
from batch_emulator.service.resource_use import ResourceUse
from tests.batch_emulator.service.builders import a_gang, a_task
from tests.batch_emulator.service.tasks.multi_instance.gang_world import GangWorld
from tests.batch_emulator.service.world import records_of


@pytest.fixture
def world() -> GangWorld:
    return GangWorld().begin()


def test_the_primary_runs_its_command_once_every_coordination_command_succeeded(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(instances=3))
    assert world.task().state == "running"
    assert sorted(world.coordinating()) == [0, 1, 2]
    assert len({run.node_id for run in world.running.values()}) == 3
    assert world.coordinating()[0].node_id == world.task().node_id
    assert {run.spec["commandLine"] for run in world.running.values()} == {"coordinate"}
    world.coordinate(2, 0)
    assert world.running_tasks() == []
    assert [(subtask.state, subtask.exit_code) for subtask in world.subtasks()] == [
        ("running", None),
        ("running", 0),
    ]
    world.coordinate(1)
    run = world.run_of("task")
    assert (run.spec["commandLine"], run.node_id) == ("/bin/true", world.task().node_id)
    assert run.instance is not None
    assert [node for _, node, _ in run.instance.hosts] == [
        world.task().node_id,
        *(subtask.node_id for subtask in world.subtasks()),
    ]
    world.finish("task")
    assert (world.task().state, world.task().result, world.task().exit_code) == ("completed", "success", 0)
    assert [(s.state, s.result, s.exit_code) for s in world.subtasks()] == [("completed", "success", 0)] * 2
    assert world.node_states() == ["idle"] * 3
    # What coordination commands left in the background ends with the primary.
    assert {effect.node_id for effect in world.sent(EndInstance)} == set(world.node_ids())


def test_files_of_the_task_are_for_the_primary_alone(world: GangWorld) -> None:
    file = {"httpUrl": "http://x/y", "filePath": "y"}
    output = {
        "filePattern": "*.txt",
        "destination": {"container": {"containerUrl": "http://x/c"}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    }
    world.do("create_task", "job", a_gang(resourceFiles=[file], outputFiles=[output]))
    runs = world.coordinating()
    assert ["resourceFiles" in runs[number].spec for number in (0, 1)] == [True, False]
    assert not any("outputFiles" in run.spec for run in runs.values())
    world.coordinate()
    assert "outputFiles" in world.run_of("task").spec


def test_one_instance_is_a_primary_without_subtasks(world: GangWorld) -> None:
    world.do("create_task", "job", {**a_gang(), "multiInstanceSettings": {"coordinationCommandLine": "c"}})
    assert world.task().spec["multiInstanceSettings"]["numberOfInstances"] == 1
    world.coordinate()
    world.finish("task")
    assert world.task().result == "success"
    assert world.subtasks() == []


@pytest.mark.parametrize("number", [0, 1])
def test_a_failed_coordination_command_fails_the_task_and_ends_the_others(
    world: GangWorld, number: int
) -> None:
    world.do("create_task", "job", a_gang())
    world.coordinate(number, exit_code=3)
    task = world.task()
    assert (task.state, task.result, task.exit_code) == ("completed", "failure", 3)
    assert task.failure is not None
    assert task.failure.code == "FailureExitCode"
    assert not world.running
    (subtask,) = world.subtasks()
    assert subtask.failure is not None
    assert (subtask.state, subtask.failure.code) == (
        "completed",
        "FailureExitCode" if number else "TaskEnded",
    )


def test_a_failed_coordination_command_is_retried_with_the_whole_task(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(constraints={"maxTaskRetryCount": 1}))
    world.kills = False
    world.coordinate(1, exit_code=3)
    assert (world.task().state, world.task().retry_count) == ("running", 0), "the primary has not ended yet"
    world.answer_pending()
    assert (world.task().state, world.task().retry_count) == ("running", 1)
    assert sorted(world.coordinating()) == [0, 1]
    world.coordinate()
    world.finish("task")
    assert world.task().result == "success"


def test_files_that_cannot_be_had_on_one_node_fail_the_task_for_good(world: GangWorld) -> None:
    missing = Failure("BlobNotFound", "no such blob")
    world.do("create_task", "job", a_gang(constraints={"maxTaskRetryCount": 5}))
    world.coordinate(1, exit_code=None, failure=missing, phase="preprocessing")
    assert (world.task().state, world.task().failure, world.task().exit_code) == ("completed", missing, None)


def test_the_exit_code_of_the_primary_is_that_of_the_task(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(constraints={"maxTaskRetryCount": 1}))
    for _ in range(2):
        world.coordinate()
        world.finish("task", 9)
    assert (world.task().state, world.task().exit_code, world.task().retry_count) == ("completed", 9, 1)
    # The subtasks did what they should.
    assert [subtask.result for subtask in world.subtasks()] == ["success"]


@pytest.mark.parametrize("coordinated", [0, 1, 2])
def test_terminating(world: GangWorld, coordinated: int) -> None:
    world.do("create_task", "job", a_gang())
    if coordinated:
        world.coordinate(*range(coordinated))
    world.do("terminate_task", "job", "task")
    assert (world.task().state, world.task().result) == ("completed", "failure")
    assert world.task().failure is not None
    assert world.task().failure.code == "TaskEnded"
    assert not world.running
    assert world.subtask_states() == ["completed"]
    assert world.node_states() == ["idle"] * 3


def test_terminating_twice_kills_once(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    world.kills = False
    world.do("disable_job", "job", "requeue")
    world.do("terminate_task", "job", "task")
    assert len(world.sent(KillRun)) == 2
    world.answer_pending()
    assert world.task().failure is not None
    assert world.task().failure.code == "TaskEnded"


def test_the_wall_clock_covers_coordination_and_command(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(constraints={"maxWallClockTime": "PT10M"}))
    world.advance(timedelta(minutes=6))
    world.coordinate()
    world.advance(timedelta(minutes=6))
    assert world.task().failure is not None
    assert (world.task().failure.code, world.task().failure.category) == ("TaskEnded", "servererror")
    assert not world.running


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("coordinated", [False, True])
@pytest.mark.parametrize("event", ["reboot_node", "disable_node_scheduling", "remove"])
def test_a_node_taken_away_by_the_user_requeues_the_whole_task(
    world: GangWorld, number: int, coordinated: bool, event: str
) -> None:
    world.do("create_task", "job", a_gang())
    if coordinated:
        world.coordinate()
    node = world.task().node_id if number == 0 else world.subtasks()[0].node_id
    if event == "remove":
        world.do("remove_nodes", "pool", {"nodeList": [node]})
    else:
        world.do(event, "pool", node)
    # There are two other nodes, so it runs again.
    assert (world.task().state, world.task().requeue_count) == ("running", 1)
    assert sorted(world.coordinating()) == [0, 1]
    if event != "reboot_node":
        assert node not in {run.node_id for run in world.running.values()}


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("coordinated", [False, True])
@pytest.mark.parametrize("kills", [False, True])
def test_preemption_of_one_node_reruns_the_whole_task(number: int, coordinated: bool, kills: bool) -> None:
    world = GangWorld()
    world.begin(nodes=0, targetLowPriorityNodes=2)
    world.do("create_task", "job", a_gang())
    if coordinated:
        world.coordinate()
    world.kills = world.releases = kills
    world.preempt(str(world.task().node_id if number == 0 else world.subtasks()[0].node_id))
    for _ in range(3):
        world.answer_pending()
    world.kills = world.releases = True
    assert (world.task().state, world.task().requeue_count, world.task().retry_count) == ("active", 0, 0)
    assert not world.running
    world.advance(timedelta(minutes=2))
    world.coordinate()
    world.finish("task")
    assert world.task().result == "success"


def test_a_coordination_command_that_vanishes_requeues_the_task(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    run = world.coordinating()[1]
    del world.running[run.run_id]
    world.tell(RunLost(run.run_id))
    assert (world.task().state, world.task().losses, world.task().requeue_count) == ("running", 1, 0)
    assert sorted(world.coordinating()) == [0, 1]


@pytest.mark.parametrize("step", range(4))
def test_killed_with_a_multi_instance_task_the_service_requeues_it(world: GangWorld, step: int) -> None:
    world.do("create_task", "job", a_gang())
    for number in range(min(step, 2)):
        world.coordinate(number)
    if step == 3:
        world.finish("task")
    assert records_of(world.restored()) == records_of(world.service)
    world.die()
    if step == 3:
        assert [s.exit_code for s in world.subtasks()] == [0]
        return
    assert (world.task().state, world.task().requeue_count) == ("running", 0)
    world.coordinate()
    world.finish("task")
    assert world.task().result == "success"


def test_deleting_takes_the_files_of_all_instances(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    world.coordinate()
    nodes = {world.task().node_id, world.subtasks()[0].node_id}
    world.do("delete_task", "job", "task")
    assert {effect.node_id for effect in world.sent(RemoveTaskFiles)} == nodes
    assert not [key for kind, key in world.journal if kind == "subtask"]
    assert world.node_states() == ["idle"] * 3


def test_a_changed_retention_time_is_for_the_primary_alone(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(constraints={"retentionTime": "PT2H"}))
    world.do("replace_task", "job", "task", {"constraints": {"retentionTime": "PT1H"}})
    world.coordinate()
    world.finish("task")
    nodes = [world.task().node_id, world.subtasks()[0].node_id]
    removed = []
    for _ in range(3):
        world.advance(timedelta(minutes=50))
        removed.append([effect.node_id for effect in world.sent(RemoveTaskFiles)])
    assert removed == [[], nodes[:1], nodes]


def test_a_reactivated_task_starts_over(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    world.coordinate(1, exit_code=1)
    world.do("reactivate_task", "job", "task")
    assert world.subtask_states() == ["running"]
    world.coordinate()
    world.finish("task")
    assert world.task().result == "success"


def test_packages_that_are_gone_fail_it_before_anything_runs(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang(applicationPackageReferences=[{"applicationId": "app"}]))
    assert world.task().failure is not None
    assert (world.task().state, world.task().failure.code) == ("completed", "ApplicationPackageError")
    assert not world.running
    assert world.node_states() == ["idle"] * 3


def test_nodes_tell_of_their_subtasks(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    primary, second = world.task().node_id, world.subtasks()[0].node_id
    assert world.service.node_load("pool", second) == (1, 1)
    world.coordinate()
    world.finish("task")
    recent = [world.service.node("pool", str(node)).recent_tasks for node in (primary, second)]
    assert recent == [[["job", "task"]], [["job", "task", 1]]]
    assert [world.service.node("pool", str(node)).total_tasks_run for node in (primary, second)] == [1, 0]


@pytest.mark.parametrize("code", [0, 1])
def test_what_all_instances_used_counts_once(world: GangWorld, code: int) -> None:
    world.do("create_task", "job", a_gang())
    world.coordinate(0, use=ResourceUse(user=1))
    world.coordinate(1, exit_code=code, use=ResourceUse(user=10))
    if code == 0:
        world.finish("task", use=ResourceUse(user=100))
    assert statistics.of_task(world.task(), world.now).user == (111 if code == 0 else 11)


def test_an_ordinary_task_has_no_subtasks(world: GangWorld) -> None:
    world.do("create_task", "job", a_task())
    assert world.subtasks() == []


class TestPreparation:
    @pytest.fixture
    def world(self) -> GangWorld:
        special = {"jobPreparationTask": {"commandLine": "p"}, "jobReleaseTask": {"commandLine": "r"}}
        return GangWorld().begin(nodes=2, job=special)

    def prepare(self, world: GangWorld, number: int, exit_code: int = 0) -> None:
        run = list(run for run in world.running.values() if run.kind == "preparation")[number]
        world.tell_end(run, exit_code)

    def test_every_node_is_prepared_first(self, world: GangWorld) -> None:
        world.do("create_task", "job", a_gang())
        assert (world.task().state, world.subtask_states()) == ("preparing", ["preparing"])
        self.prepare(world, 1)
        assert (world.task().state, world.subtask_states()) == ("preparing", ["running"])
        self.prepare(world, 0)
        assert (world.task().state, world.subtask_states()) == ("running", ["running"])
        world.coordinate()
        world.finish("task")
        assert world.task().result == "success"
        world.do("terminate_job", "job")
        world.finish_all()
        assert world.job_state() == "completed"

    @pytest.mark.parametrize("first", [0, 1])
    def test_a_node_that_cannot_be_prepared_gives_the_task_back(self, world: GangWorld, first: int) -> None:
        world.do("create_task", "job", a_gang())
        self.prepare(world, first)
        self.prepare(world, 0, 1)
        assert (world.task().state, world.subtasks()) == ("active", [])
        assert not world.running
        assert [r.code for r in world.service.why_not_running("job", "task")] == ["TooFewNodes"]

    def test_terminating_before_preparation_is_over(self, world: GangWorld) -> None:
        world.do("create_task", "job", a_gang())
        self.prepare(world, 1)
        world.do("terminate_task", "job", "task")
        assert (world.task().state, world.subtask_states()) == ("completed", ["completed"])
        assert not world.coordinating()


def test_a_coordination_command_that_exits_with_0_when_it_is_killed_launches_nothing(
    world: GangWorld,
) -> None:
    world.do("create_task", "job", a_gang())
    world.coordinate(0)
    run = world.coordinating()[1]
    del world.running[run.run_id]
    world.tell(RunEnded(run.run_id, world.now, exit_code=0, killed=True))
    assert world.running_tasks() == []
    assert (world.task().tries, sorted(world.coordinating())) == (2, [0, 1])


def test_a_subtask_that_begins_at_once_has_no_earlier_state(world: GangWorld) -> None:
    world.do("create_task", "job", a_gang())
    (subtask,) = world.subtasks()
    assert (subtask.state, subtask.previous_state) == ("running", None)
