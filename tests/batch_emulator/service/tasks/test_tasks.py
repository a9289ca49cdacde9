"""A task's life (Azure Batch: *Jobs and tasks in Azure Batch*, *Job and task error checking*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import Failure
from batch_emulator.service.effects import KillRun, RemoveTaskFiles, StartRun
from batch_emulator.service.events import RunEnded, RunLost
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World

BLOB_NOT_FOUND = Failure("BlobNotFound", "One of the specified Azure Blob(s) was not found")
UPLOAD_FAILED = Failure(
    "FileUploadContainerNotFound", "One of the specified Azure container(s) was not found"
)


@pytest.fixture
def world() -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    return world


def test_success(world: World) -> None:
    world.do("create_task", "job", a_task())
    task = world.task()
    assert (task.state, task.previous_state, task.start_time) == ("running", "active", world.now)
    assert task.task_root == "workitems/job/job-1/task"
    world.finish("task")
    assert (task.state, task.result, task.exit_code, task.failure) == ("completed", "success", 0, None)
    assert (task.previous_state, task.end_time, task.run_id) == ("running", world.now, None)
    assert world.node_states() == ["idle"]
    node = world.service.node("pool", world.node_ids()[0])
    assert (node.total_tasks_run, node.total_tasks_succeeded) == (1, 1)
    assert node.recent_tasks == [["job", "task"]]


def test_a_failing_task_is_tried_again_while_retries_are_left(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 2}))
    for expected in (1, 2):
        world.finish("task", 5)
        task = world.task()
        assert (task.state, task.retry_count, task.exit_code) == ("running", expected, None)
        assert task.last_retry_time == world.now
    world.finish("task", 5)
    assert (task.state, task.result, task.exit_code, task.retry_count) == ("completed", "failure", 5, 2)
    assert task.failure is not None
    assert task.failure.code == "FailureExitCode"
    assert len({effect.run_id for effect in world.sent(StartRun)}) == 3


def test_retries_are_the_jobs_unless_the_task_says_otherwise(world: World) -> None:
    world.do("create_job", a_job("retrying", constraints={"maxTaskRetryCount": 3}))
    world.do("create_task", "retrying", a_task("a"))
    world.do("create_task", "retrying", a_task("b", constraints={"maxTaskRetryCount": 0}))
    specs = [world.task(name, "retrying").spec["constraints"]["maxTaskRetryCount"] for name in "ab"]
    assert specs == [3, 0]


def test_minus_one_retries_without_end(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": -1}))
    for _ in range(20):
        world.finish("task", 1)
    assert world.task().retry_count == 20


@pytest.mark.parametrize(
    ("exit_code", "failure", "phase"),
    [(None, BLOB_NOT_FOUND, "preprocessing"), (0, UPLOAD_FAILED, "upload"), (3, UPLOAD_FAILED, "upload")],
)
def test_preprocessing_and_upload_failures_are_never_retried(
    world: World, exit_code: int | None, failure: Failure, phase: str
) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 5}))
    world.finish("task", exit_code, failure=failure, phase=phase)
    task = world.task()
    assert (task.state, task.result, task.exit_code, task.failure) == (
        "completed",
        "failure",
        exit_code,
        failure,
    )
    assert task.retry_count == 0


def test_wall_clock_ends_a_task_without_retry(world: World) -> None:
    constraints = {"maxWallClockTime": "PT10M", "maxTaskRetryCount": 5}
    world.do("create_task", "job", a_task(constraints=constraints))
    world.advance(timedelta(minutes=9))
    assert world.task().state == "running"
    world.advance(timedelta(minutes=2))
    task = world.task()
    assert (task.state, task.result, task.retry_count) == ("completed", "failure", 0)
    assert task.failure is not None
    assert (task.failure.code, task.failure.category) == ("TaskEnded", "servererror")


def test_wall_clock_counts_each_try_anew(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxWallClockTime": "PT10M", "maxTaskRetryCount": 1}))
    world.advance(timedelta(minutes=6))
    world.finish("task", 1)
    world.advance(timedelta(minutes=6))
    assert world.task().state == "running"


def test_terminate_a_running_task(world: World) -> None:
    world.kills = False
    world.do("create_task", "job", a_task())
    world.do("terminate_task", "job", "task")
    assert world.task().state == "running"
    world.answer_pending()
    task = world.task()
    assert (task.state, task.result) == ("completed", "failure")
    assert task.failure is not None
    assert (task.failure.code, task.failure.category) == ("TaskEnded", "usererror")
    assert refusal(world, "terminate_task", "job", "task") == ("TaskCompleted", 409)


def test_a_task_that_succeeds_before_the_kill_arrives_has_succeeded(world: World) -> None:
    world.kills = False
    world.do("create_task", "job", a_task())
    world.do("terminate_task", "job", "task")
    world.finish("task", 0)
    assert world.task().result == "success"


def test_a_killed_process_that_exits_with_0_has_not_succeeded(world: World) -> None:
    world.kills = False
    world.do("create_task", "job", a_task())
    world.do("terminate_task", "job", "task")
    world.finish("task", 0, killed=True)
    assert world.task().result == "failure"


def test_terminate_an_active_task_then_reactivate_it(world: World) -> None:
    world.do("create_job", a_job("waiting", "no-pool"))
    world.do("create_task", "waiting", a_task())
    world.do("terminate_task", "waiting", "task")
    task = world.task("task", "waiting")
    assert (task.state, task.result) == ("completed", "failure")
    world.do("reactivate_task", "waiting", "task")
    assert (task.state, task.previous_state, task.result, task.failure) == ("active", "completed", None, None)


def test_reactivate_refuses_what_did_not_fail(world: World) -> None:
    world.do("create_task", "job", a_task())
    assert refusal(world, "reactivate_task", "job", "task") == ("TaskNotCompleted", 409)
    world.finish("task")
    assert refusal(world, "reactivate_task", "job", "task") == ("TaskSucceeded", 409)


def test_reactivation_resets_the_retry_count(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 1}))
    world.finish("task", 1)
    world.finish("task", 1)
    world.do("reactivate_task", "job", "task")
    task = world.task()
    assert (task.state, task.retry_count, task.exit_code) == ("running", 0, None)
    world.finish("task", 0)
    assert task.result == "success"


def test_delete_a_completed_task_with_its_files(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.do("delete_task", "job", "task")
    assert refusal(world, "delete_task", "job", "task") == ("TaskNotFound", 404)
    assert [effect.task_root for effect in world.sent(RemoveTaskFiles)] == ["workitems/job/job-1/task"]


def test_a_running_task_is_gone_at_once_when_deleted_but_its_id_only_when_it_is_dead(world: World) -> None:
    world.kills = False
    world.do("create_task", "job", a_task())
    world.do("delete_task", "job", "task")
    assert list(world.service.tasks("job")) == []
    assert world.service.task_counts("job").tasks.total == 0
    assert refusal(world, "create_task", "job", a_task())[0] == "OperationInvalidForCurrentState"
    world.answer_pending()
    assert [effect.task_root for effect in world.sent(RemoveTaskFiles)] == ["workitems/job/job-1/task"]
    world.do("create_task", "job", a_task())
    assert world.task().state == "running"


def test_files_go_when_the_retention_time_is_over(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"retentionTime": "PT1H"}))
    world.finish("task")
    world.advance(timedelta(minutes=59))
    assert not world.sent(RemoveTaskFiles)
    world.advance(timedelta(minutes=2))
    assert len(world.sent(RemoveTaskFiles)) == 1
    assert world.task().files_removed


def test_the_default_retention_is_seven_days(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.finish("task")
    assert world.task().retention_until == world.now + timedelta(days=7)


def test_a_run_that_vanishes_is_run_again_and_given_up_in_the_end(world: World) -> None:
    world.do("create_task", "job", a_task())
    for _ in range(10):
        run_id = world.run_of("task").run_id
        del world.running[run_id]
        world.tell(RunLost(run_id))
        assert (world.task().state, world.task().retry_count, world.task().requeue_count) == ("running", 0, 0)
    world.tell(RunLost(world.run_of("task").run_id))
    task = world.task()
    assert task.failure is not None
    assert (task.state, task.failure.code) == ("completed", "MaxInternalRetryCountReached")


def test_news_of_an_earlier_run_is_dropped(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 1}))
    first = world.run_of("task").run_id
    world.finish("task", 1)
    world.tell(RunEnded(first, world.now, exit_code=0))
    assert world.task().state == "running"


def test_constraints_may_be_replaced_until_the_task_is_completed(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 4}))
    world.do("replace_task", "job", "task", {"constraints": {"maxWallClockTime": "PT02H00M00S"}})
    assert world.task().spec["constraints"] == {
        "maxWallClockTime": "PT2H",
        "retentionTime": "P7D",
        "maxTaskRetryCount": 0,
    }
    world.advance(timedelta(hours=3))
    assert world.task().state == "completed"
    assert refusal(world, "replace_task", "job", "task", {}) == ("TaskCompleted", 409)


def test_environment_of_the_job_is_overridden_by_the_task(world: World) -> None:
    common = [{"name": "A", "value": "job"}, {"name": "B", "value": "job"}]
    world.do("create_job", a_job("env", commonEnvironmentSettings=common))
    world.do(
        "create_task", "env", a_task(environmentSettings=[{"name": "B", "value": "task"}, {"name": "C"}])
    )
    assert dict(world.run_of("task").environment) == {"A": "job", "B": "task", "C": ""}


def test_a_collection_is_judged_task_by_task(world: World) -> None:
    world.do("create_task", "job", a_task("Taken"))
    bodies = [
        a_task("new"),
        a_task("tAKEN"),
        a_task("boxed", containerSettings={"imageName": ""}),
    ]
    results = world.do("add_tasks", "job", bodies)
    assert [(r.task_id, r.error.code if r.error else None) for r in results] == [
        ("new", None),
        ("tAKEN", "TaskExists"),
        ("boxed", "MissingRequiredProperty"),
    ]


def test_a_collection_has_at_most_a_hundred_tasks(world: World) -> None:
    assert refusal(world, "add_tasks", "job", [a_task(str(n)) for n in range(101)])[1] == 400
    assert list(world.service.tasks("job")) == []


def test_counts_follow_every_state(world: World) -> None:
    world.do("add_tasks", "job", [a_task("a"), a_task("b"), a_task("c")])
    world.finish("a", 0)
    world.finish("b", 1)
    counts = world.service.task_counts("job").tasks
    assert (counts.active, counts.running, counts.succeeded, counts.failed, counts.completed) == (
        0,
        1,
        1,
        1,
        2,
    )


def test_tasks_are_listed_in_order_of_their_ids_from_any_id_on(world: World) -> None:
    world.do("add_tasks", "job", [a_task(name) for name in ("b", "10", "a", "B1", "9")])
    assert [task.id for task in world.service.tasks("job")] == ["10", "9", "B1", "a", "b"]
    world.do("create_task", "job", a_task("95"))
    world.do("delete_task", "job", "a")
    assert [task.id for task in world.service.tasks("job", "9")] == ["95", "B1", "b"]


def test_a_kill_says_why(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.do("terminate_task", "job", "task")
    (kill,) = world.sent(KillRun)
    assert kill.reason is not None
    assert kill.reason.code == "TaskEnded"


def test_the_story_of_a_task_has_its_causes(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.finish("task", 2)
    passages = world.service.story("task", "JOB/task")
    assert [(p.start, p.finish) for p in passages] == [("active", "running"), ("running", "completed")]
    assert passages[-1].cause == "FailureExitCode"


def test_ids_are_refused_when_they_are_no_ids(world: World) -> None:
    for bad in ("", "a b", "x" * 65, "ü", "a:b"):
        assert refusal(world, "create_task", "job", a_task(bad)) == ("InvalidPropertyValue", 400)


def test_nothing_is_asked_of_tasks_of_a_job_that_is_being_deleted(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.kills = False
    world.do("delete_job", "job")
    for command in ("terminate_task", "reactivate_task", "delete_task"):
        assert refusal(world, command, "job", "task") == ("JobBeingDeleted", 409)


def test_an_end_without_exit_code_and_reason_is_a_failure_of_the_service(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 3}))
    world.finish("task", None)
    task = world.task()
    assert task.failure is not None
    assert (task.state, task.exit_code, task.retry_count) == ("completed", None, 0)
    assert (task.failure.code, task.failure.category) == ("Unknown", "servererror")


def test_a_job_outlives_the_end_of_a_task_that_never_ran() -> None:
    """Seen in the test-suite of the official client: ended while it waits, then reactivated."""
    world = World()
    world.do("create_job", a_job(onTaskFailure="performexitoptionsjobaction"))
    world.do("create_task", "job", a_task("task"))
    world.do("terminate_task", "job", "task")
    assert (world.task("task").state, world.job_state()) == ("completed", "active")
    world.do("reactivate_task", "job", "task")
    assert (world.task("task").state, world.job_state()) == ("active", "active")
