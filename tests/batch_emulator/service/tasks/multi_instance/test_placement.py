"""Which multi-instance tasks start when (Azure Batch: *Multi-instance tasks*, requirements)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.tasks.multi_instance.assumptions import HOLD_FOR, PATIENCE
from tests.batch_emulator.service.builders import a_gang, a_job, a_pool, a_task, an_mpi_pool
from tests.batch_emulator.service.tasks.multi_instance.gang_world import GangWorld


def reasons(world: GangWorld, task_id: str = "task") -> list[str]:
    return [reason.code for reason in world.service.why_not_running("job", task_id)]


@pytest.mark.parametrize("pool", [{"enableInterNodeCommunication": False}, {"taskSlotsPerNode": 2}])
def test_on_a_pool_that_is_not_made_for_it_a_task_stays_active_for_ever(pool: Any) -> None:
    world = GangWorld().begin(**pool)
    world.do("create_task", "job", a_gang(instances=1))
    world.advance(timedelta(days=1))
    assert world.task().state == "active"
    assert reasons(world) == ["PoolNotForMultiInstance"]
    world.do("create_task", "job", a_task("other"))
    assert world.running_tasks() == ["other"], "it is in nobody's way"


def test_all_nodes_are_taken_at_once_or_none() -> None:
    world = GangWorld().begin(nodes=2)
    world.do("add_tasks", "job", [a_task("small"), a_gang()])
    assert (world.task().state, reasons(world)) == ("active", ["NoFreeNodes"])
    assert world.node_states().count("idle") == 1
    world.finish("small")
    assert world.task().state == "running"


def test_a_pool_that_is_too_small_gets_nodes_later() -> None:
    world = GangWorld().begin(nodes=1)
    world.do("create_task", "job", a_gang())
    assert reasons(world) == ["TooFewNodes"]
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert world.task().state == "running"


def test_two_of_them_run_beside_each_other() -> None:
    world = GangWorld().begin(nodes=4)
    world.do("add_tasks", "job", [a_gang("a"), a_gang("b"), a_gang("c")])
    assert world.states() == {"a": "running", "b": "running", "c": "active"}
    assert len({run.node_id for run in world.running.values()}) == 4
    world.coordinate(task_id="b")
    world.finish("b")
    assert world.states() == {"a": "running", "b": "completed", "c": "running"}


def test_the_node_it_has_an_affinity_to_is_the_primarys() -> None:
    world = GangWorld().begin(nodes=3)
    wish = world.node_ids()[2]
    world.do("create_task", "job", a_gang(affinityInfo={"affinityId": f"TVM:{wish}"}))
    assert world.task().node_id == wish


def test_a_smaller_one_may_pass_at_first() -> None:
    world = GangWorld().begin(nodes=3)
    world.do("add_tasks", "job", [a_task("long"), a_gang("large", 3), a_gang("small", 2)])
    assert world.states() == {"large": "active", "long": "running", "small": "running"}


def test_it_counts_for_one_of_the_parallel_tasks_and_for_all_its_nodes_in_formulas() -> None:
    world = GangWorld().begin(nodes=2, job={"maxParallelTasks": 1})
    world.do("add_tasks", "job", [a_gang("a", 2), a_gang("b", 7), a_task("c")])
    world.advance(timedelta(minutes=1))
    assert world.states() == {"a": "running", "b": "active", "c": "active"}
    assert world.service.state.jobs["job"].ready.instances == 8


def test_a_pool_that_follows_its_pending_tasks_keeps_the_nodes_of_one_that_runs() -> None:
    world = GangWorld()
    formula = "$TargetDedicatedNodes = max(0, $PendingTasks.GetSample(1));"
    world.do(
        "create_pool",
        a_pool(
            enableInterNodeCommunication=True,
            enableAutoScale=True,
            autoScaleFormula=formula,
            autoScaleEvaluationInterval="PT5M",
        ),
    )
    world.do("create_job", a_job())
    world.do("create_task", "job", a_gang(instances=3))
    world.advance(timedelta(minutes=20))
    assert (world.task().state, world.task().tries) == ("running", 1)
    assert len(world.node_ids()) == 3
    world.coordinate()
    world.finish("task")
    world.advance(timedelta(minutes=20))
    assert world.node_ids() == []


class TestNoStarvation:
    """[U] Patience and holding take turns."""

    def begin(self) -> GangWorld:
        world = GangWorld().begin(nodes=2)
        world.do("add_tasks", "job", [a_task("0"), a_task("1"), a_gang("large")])
        world.do("add_tasks", "job", [a_task(f"s{n}") for n in range(9)])
        return world

    def test_small_tasks_overtake_it_while_it_is_patient(self) -> None:
        world = self.begin()
        world.finish("0")
        assert world.running_tasks() == ["1", "s0"]

    def test_then_nodes_are_held_for_it(self) -> None:
        world = self.begin()
        world.advance(PATIENCE)
        world.finish("0")
        assert world.running_tasks() == ["1"]
        assert reasons(world, "s0") == ["HeldBack"]
        world.finish("1")
        assert world.states()["large"] == "running"

    def test_but_not_for_ever(self) -> None:
        world = self.begin()
        world.advance(PATIENCE)
        world.finish("0")
        world.advance(HOLD_FOR)
        assert world.running_tasks() == ["1", "s0"], "a running task may wait for those held back"

    def test_another_job_is_held_back_too_unless_it_goes_first(self) -> None:
        world = self.begin()
        world.do("create_job", a_job("other"))
        world.do("create_job", a_job("urgent", priority=1))
        world.do("create_task", "other", a_task("o"))
        world.advance(PATIENCE)
        world.do("patch_job", "other", {"priority": -1})
        world.finish("0")
        assert world.running_tasks() == ["1"]
        world.do("create_task", "urgent", a_task("u"))
        assert world.running_tasks() == ["1", "u"]

    def test_in_an_endless_stream_it_comes_to_its_turn(self) -> None:
        world = self.begin()
        for number in range(40):
            if world.states()["large"] == "running":
                return
            world.do("create_task", "job", a_task(f"more{number}"))
            world.advance(timedelta(seconds=20))
            world.finish_all(limit=1)
        pytest.fail("it never ran")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (a_gang(requiredSlots=2), "requiredSlots"),
        (a_gang(instances=0), "multiInstanceSettings.numberOfInstances"),
        (a_task(multiInstanceSettings={}), "multiInstanceSettings.coordinationCommandLine"),
        (
            a_task(multiInstanceSettings={"coordinationCommandLine": "  "}),
            "multiInstanceSettings.coordinationCommandLine",
        ),
        (
            a_task(
                multiInstanceSettings={
                    "coordinationCommandLine": "c",
                    "commonResourceFiles": [{"httpUrl": "http://x", "filePath": "../y"}],
                }
            ),
            "commonResourceFiles.filePath",
        ),
    ],
)
def test_settings_that_are_refused(body: Any, name: str) -> None:
    world = GangWorld().begin()
    with pytest.raises(BatchError) as caught:
        world.do("create_task", "job", body)
    assert (caught.value.status, caught.value.values["PropertyName"]) == (400, name)


class TestPreemption:
    """Jobs of higher priority displace tasks of jobs that allow it, on as many nodes as are needed."""

    def begin(self) -> GangWorld:
        world = GangWorld()
        world.do("create_pool", an_mpi_pool(nodes=3))
        world.do("create_job", a_job("meek", allowTaskPreemption=True))
        world.do("create_job", a_job(priority=10))
        return world

    def test_nodes_for_all_instances_are_made_free(self) -> None:
        world = self.begin()
        world.do("add_tasks", "meek", [a_task(f"m{n}") for n in range(5)])
        world.kills = False
        world.do("create_task", "job", a_gang())
        assert len(world.pending) == 2
        world.answer_pending()
        assert world.task().state == "running"
        assert world.running_tasks() == ["m0"]

    def test_nodes_that_become_free_one_by_one_are_kept_for_it(self) -> None:
        world = self.begin()
        world.do("add_tasks", "meek", [a_task(f"m{n}") for n in range(5)])
        world.kills = False
        world.do("create_task", "job", a_gang())
        for effect in world.pending:
            for event in world.answers(effect):
                world.tell(event)
        world.pending = []
        assert world.task().state == "running"
        assert world.running_tasks() == ["m0"]

    def test_nobody_is_displaced_in_vain(self) -> None:
        world = self.begin()
        world.do("create_job", a_job("firm"))
        world.do("add_tasks", "firm", [a_task("f0"), a_task("f1")])
        world.do("create_task", "meek", a_task("m"))
        world.do("create_task", "job", a_gang())
        assert world.running_tasks() == ["f0", "f1", "m"]

    def test_one_of_them_may_be_displaced_itself(self) -> None:
        world = self.begin()
        world.do("create_task", "meek", a_gang("m", 3))
        world.do("create_task", "job", a_task())
        assert world.running_tasks() == ["task"]
        assert world.states("meek") == {"m": "active"}
