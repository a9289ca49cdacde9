"""A job's life (Azure Batch: *Jobs and tasks in Azure Batch*)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import Account, Quotas
from batch_emulator.service.durations import UNLIMITED
from batch_emulator.service.effects import RemoveTaskFiles
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World

SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/default"


@pytest.fixture
def world() -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    return world


def test_defaults_are_filled_in(world: World) -> None:
    world.do("create_job", a_job())
    job = world.service.job("JOB")
    assert job.spec == {
        "poolInfo": {"poolId": "pool"},
        "usesTaskDependencies": False,
        "priority": 0,
        "allowTaskPreemption": False,
        "maxParallelTasks": -1,
        "constraints": {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0},
        "onAllTasksComplete": "noaction",
        "onTaskFailure": "noaction",
    }
    assert (job.state, job.previous_state, job.start_time) == ("active", None, world.now)


def test_an_id_is_taken_in_any_letter_case(world: World) -> None:
    world.do("create_job", a_job("Job"))
    assert refusal(world, "create_job", a_job("jOB")) == ("JobExists", 409)


def test_the_pool_need_not_exist_yet(world: World) -> None:
    world.do("create_job", a_job(pool_id="later"))
    world.do("create_task", "job", a_task())
    assert world.states() == {"task": "active"}
    assert [reason.code for reason in world.service.why_not_running("job", "task")] == ["PoolNotFound"]
    world.do("create_pool", a_pool("LATER", nodes=1))
    assert world.states() == {"task": "running"}


def test_a_job_joins_a_subnet_that_is_there() -> None:
    world = World(Account("acct", azure_resources=frozenset({SUBNET.lower()})))
    world.do("create_job", a_job(networkConfiguration={"subnetId": SUBNET}))
    network = {"subnetId": SUBNET, "skipWithdrawFromVNet": False}
    assert world.service.job("job").spec["networkConfiguration"] == network
    world.do("patch_job", "job", {"priority": 1})
    assert world.service.job("job").spec["networkConfiguration"] == network
    world.do("replace_job", "job", {"poolInfo": {"poolId": "pool"}})
    assert "networkConfiguration" not in world.service.job("job").spec
    world.do("patch_job", "job", {"networkConfiguration": network | {"skipWithdrawFromVNet": True}})
    assert world.service.job("job").spec["networkConfiguration"]["skipWithdrawFromVNet"]
    other = {"networkConfiguration": {"subnetId": SUBNET.replace("default", "other")}}
    assert refusal(world, "patch_job", "job", other) == ("InvalidPropertyValue", 400)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"networkConfiguration": {"subnetId": "x"}}, "InvalidPropertyValue"),
        ({"networkConfiguration": {"subnetId": SUBNET}}, "InvalidPropertyValue"),
        ({"networkConfiguration": {"skipWithdrawFromVNet": True}}, "MissingRequiredProperty"),
        ({"poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job"}}}, "MissingRequiredProperty"),
        ({"poolInfo": {"poolId": "p", "autoPoolSpecification": {}}}, "InvalidPropertyValue"),
        ({"poolInfo": {}}, "MissingRequiredProperty"),
        ({"priority": 1001}, "InvalidPropertyValue"),
        ({"maxParallelTasks": 0}, "InvalidPropertyValue"),
        ({"constraints": {"maxTaskRetryCount": -2}}, "InvalidPropertyValue"),
        ({"constraints": {"maxWallClockTime": "ten minutes"}}, "InvalidPropertyValue"),
        ({"jobReleaseTask": {"commandLine": "x"}}, "InvalidPropertyValue"),
        ({"metadata": [{"name": "", "value": "x"}]}, "EmptyMetadataKey"),
        (
            {
                "jobPreparationTask": {"commandLine": "x"},
                "jobReleaseTask": {"commandLine": "x", "maxWallClockTime": "PT16M"},
            },
            "InvalidPropertyValue",
        ),
        (
            {"jobPreparationTask": {"commandLine": "x", "containerSettings": {"imageName": ""}}},
            "MissingRequiredProperty",
        ),
    ],
)
def test_what_is_refused_on_a_new_job(world: World, more: dict[str, Any], code: str) -> None:
    assert refusal(world, "create_job", a_job(**more))[0] == code
    assert list(world.service.jobs()) == []


def test_the_quota_counts_jobs_that_are_not_completed() -> None:
    world = World(Account("acct", quotas=Quotas(active_jobs_and_schedules=1)))
    world.do("create_job", a_job("a"))
    assert refusal(world, "create_job", a_job("b")) == ("ActiveJobAndScheduleQuotaReached", 409)
    world.do("terminate_job", "a")
    world.do("create_job", a_job("b"))


def test_an_empty_job_that_ends_with_its_tasks_ends_at_once(world: World) -> None:
    world.do("create_job", a_job(onAllTasksComplete="terminatejob"))
    job = world.service.job("job")
    assert (job.state, job.terminate_reason, job.end_time) == ("completed", "AllTasksComplete", world.now)
    assert refusal(world, "create_task", "job", a_task()) == ("JobCompleted", 409)


def test_deleting_the_last_open_task_completes_the_job(world: World) -> None:
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    world.finish("a")
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    assert world.job_state() == "active"
    world.do("delete_task", "job", "b")
    assert world.job_state() == "completed"


def test_on_all_tasks_complete_may_not_be_taken_back(world: World) -> None:
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    assert refusal(world, "patch_job", "job", {"onAllTasksComplete": "noaction"}) == (
        "InvalidPropertyValue",
        400,
    )


def test_patch_replaces_nested_objects_as_a_whole_and_leaves_the_rest(world: World) -> None:
    metadata = [{"name": "a", "value": "b"}]
    world.do("create_job", a_job(constraints={"maxTaskRetryCount": 5}, metadata=metadata, priority=3))
    etag = world.service.job("job").etag
    world.do("patch_job", "job", {"constraints": {"maxWallClockTime": "PT1H"}})
    job = world.service.job("job")
    assert job.spec["constraints"] == {"maxWallClockTime": "PT1H", "maxTaskRetryCount": 0}
    assert (job.spec["metadata"], job.spec["priority"]) == (metadata, 3)
    assert int(job.etag, 16) > int(etag, 16)


def test_put_resets_what_is_left_out(world: World) -> None:
    world.do(
        "create_job", a_job(constraints={"maxTaskRetryCount": 5}, metadata=[{"name": "a", "value": "b"}])
    )
    world.do("replace_job", "job", {"poolInfo": {"poolId": "pool"}, "priority": 7})
    job = world.service.job("job")
    assert job.spec["constraints"] == {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0}
    assert "metadata" not in job.spec
    assert job.spec["priority"] == 7


def test_the_pool_may_be_changed_only_while_disabled(world: World) -> None:
    world.do("create_pool", a_pool("other", nodes=1))
    world.do("create_job", a_job(pool_id="nowhere"))
    world.do("create_task", "job", a_task())
    other = {"poolInfo": {"poolId": "other"}}
    assert refusal(world, "patch_job", "job", other) == ("OperationInvalidForCurrentState", 409)
    world.do("disable_job", "job", "wait")
    world.do("patch_job", "job", other)
    world.do("enable_job", "job")
    assert world.run_of("task").pool_id == "other"


@pytest.mark.parametrize(
    ("option", "states", "requeues"),
    [("requeue", ("active", None), 1), ("terminate", ("completed", "failure"), 0)],
)
def test_disabling_ends_running_tasks(
    world: World, option: str, states: tuple[str, str | None], requeues: int
) -> None:
    world.kills = False
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("disable_job", "job", option)
    assert world.job_state() == "disabling"
    world.answer_pending()
    task = world.task()
    assert (task.state, task.result) == states
    assert (task.requeue_count, task.retry_count) == (requeues, 0)
    assert world.job_state() == "disabled"


def test_disabling_may_wait_for_running_tasks(world: World) -> None:
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b"), a_task("c")])
    world.do("disable_job", "job", "wait")
    assert world.job_state() == "disabling"
    world.finish("a")
    world.finish("b")
    assert world.job_state() == "disabled"
    assert world.states()["c"] == "active"
    world.do("create_task", "job", a_task("d"))
    assert world.running_tasks() == []
    world.do("enable_job", "job")
    job = world.service.job("job")
    assert (job.state, job.previous_state) == ("active", "enabling")
    assert world.running_tasks() == ["c", "d"]


def test_enable_needs_a_disabled_job(world: World) -> None:
    world.do("create_job", a_job())
    assert refusal(world, "enable_job", "job") == ("OperationInvalidForCurrentState", 409)


def test_terminating_leaves_active_tasks_active(world: World) -> None:
    world.kills = False
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b"), a_task("c")])
    world.do("terminate_job", "job", reason="enough")
    assert world.job_state() == "terminating"
    assert refusal(world, "create_task", "job", a_task("d")) == ("JobBeingTerminated", 409)
    world.answer_pending()
    job = world.service.job("job")
    assert (job.state, job.terminate_reason, job.end_time) == ("completed", "enough", world.now)
    assert world.states() == {"a": "completed", "b": "completed", "c": "active"}
    assert refusal(world, "terminate_job", "job") == ("JobCompleted", 409)
    assert refusal(world, "patch_job", "job", {}) == ("JobCompleted", 409)
    assert refusal(world, "disable_job", "job", "wait") == ("JobCompleted", 409)


def test_a_natural_failure_while_terminating_is_not_retried(world: World) -> None:
    world.kills = False
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 3}))
    world.do("terminate_job", "job")
    world.finish("task", 1)
    assert world.task().state == "completed"
    assert world.job_state() == "completed"


def test_deleting_waits_for_processes_and_takes_files_away(world: World) -> None:
    world.kills = False
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("delete_job", "job")
    assert world.job_state() == "deleting"
    assert refusal(world, "delete_job", "job") == ("JobBeingDeleted", 409)
    assert refusal(world, "create_job", a_job()) == ("JobBeingDeleted", 409)
    assert refusal(world, "patch_job", "job", {}) == ("JobBeingDeleted", 409)
    world.answer_pending()
    assert refusal(world, "delete_job", "job") == ("JobNotFound", 404)
    assert {effect.task_root for effect in world.sent(RemoveTaskFiles)} == {"workitems/job/job-1"}
    assert {kind for kind, _ in world.journal} == {"pool", "node"}


def test_the_wall_clock_of_a_job_counts_from_its_creation(world: World) -> None:
    world.do("create_job", a_job(constraints={"maxWallClockTime": "PT1H"}))
    world.do("create_task", "job", a_task())
    world.advance(timedelta(minutes=61))
    job = world.service.job("job")
    assert (job.state, job.terminate_reason) == ("completed", "MaxWallClockTimeExpiry")
    assert world.task().result == "failure"


def test_a_longer_wall_clock_can_be_given_later(world: World) -> None:
    world.do("create_job", a_job(constraints={"maxWallClockTime": "PT1H"}))
    world.do("patch_job", "job", {"constraints": {"maxWallClockTime": "PT3H"}})
    world.advance(timedelta(hours=2))
    assert world.job_state() == "active"
    world.advance(timedelta(hours=2))
    assert world.job_state() == "completed"


def test_any_failing_task_ends_a_job_that_performs_exit_options(world: World) -> None:
    world.do("create_job", a_job(onTaskFailure="performexitoptionsjobaction"))
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    world.finish("a", 1)
    job = world.service.job("job")
    assert (job.state, job.terminate_reason) == ("completed", "TaskFailed")
    assert world.task("b").result == "failure"


def test_a_failing_task_acts_after_its_last_retry_only(world: World) -> None:
    world.do("create_job", a_job(onTaskFailure="performexitoptionsjobaction"))
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 1}))
    world.finish("task", 1)
    assert world.job_state() == "active"
    world.finish("task", 1)
    assert world.job_state() == "completed"


def test_a_job_action_may_disable_the_job(world: World) -> None:
    conditions = {"exitCodes": [{"code": 2, "exitOptions": {"jobAction": "disable"}}]}
    world.do("create_job", a_job(onTaskFailure="performexitoptionsjobaction"))
    world.do("add_tasks", "job", [a_task("a", exitConditions=conditions), a_task("b")])
    world.finish("a", 2)
    assert world.job_state() == "disabled"
    assert (world.task("b").state, world.task("b").requeue_count) == ("active", 1)


def test_a_job_action_needs_a_job_that_performs_it(world: World) -> None:
    world.do("create_job", a_job())
    body = a_task(exitConditions={"default": {"jobAction": "terminate"}})
    assert refusal(world, "create_task", "job", body) == ("InvalidPropertyValue", 400)


def test_exit_codes_may_not_overlap(world: World) -> None:
    world.do("create_job", a_job())
    conditions = {
        "exitCodes": [{"code": 3, "exitOptions": {}}],
        "exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": {}}],
    }
    assert refusal(world, "create_task", "job", a_task(exitConditions=conditions)) == (
        "InvalidPropertyValue",
        400,
    )


def test_jobs_are_listed_in_order_of_their_ids(world: World) -> None:
    for name in ("b", "a", "C"):
        world.do("create_job", a_job(name))
    assert [job.id for job in world.service.jobs()] == ["C", "a", "b"]
    assert [job.id for job in world.service.jobs("a")] == ["b"]
