"""Job manager tasks (Azure Batch: *BatchJobManagerTask*, *Jobs and tasks in Azure Batch*)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.durations import UNLIMITED
from batch_emulator.service.entities import Json
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def managed(world: World, pool_id: str = "pool", job: Json | None = None, **manager: Any) -> None:
    body = {"id": "boss", "commandLine": "/bin/manage", **manager}
    world.do("create_job", a_job(pool_id=pool_id, jobManagerTask=body, **(job or {})))


def a_world(nodes: int = 1, **pool: Any) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, **pool))
    return world


def codes(world: World, task_id: str) -> list[str]:
    return [reason.code for reason in world.service.why_not_running("job", task_id)]


def test_it_is_created_with_the_job_and_is_a_task_of_it() -> None:
    world = a_world()
    managed(world, requiredSlots=1, environmentSettings=[{"name": "A", "value": "b"}])
    task = world.task("boss")
    assert task.state == "running"
    assert world.run_of("boss", "manager").environment == (("A", "b"),)
    assert task.spec == {
        "commandLine": "/bin/manage",
        "environmentSettings": [{"name": "A", "value": "b"}],
        "constraints": {"maxWallClockTime": UNLIMITED, "retentionTime": "P7D", "maxTaskRetryCount": 0},
        "requiredSlots": 1,
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}},
    }
    manager = world.service.job("job").spec["jobManagerTask"]
    assert [manager[name] for name in ("killJobOnCompletion", "runExclusive", "allowLowPriorityNode")] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("job", "manager", "code"),
    [
        ({}, {"id": None}, "MissingRequiredProperty"),
        ({}, {"id": "a b"}, "InvalidPropertyValue"),
        ({}, {"commandLine": " "}, "InvalidPropertyValue"),
        ({}, {"requiredSlots": 0}, "InvalidPropertyValue"),
        ({}, {"applicationPackageReferences": [{"applicationId": "/a/b"}]}, "InvalidPropertyValue"),
        ({}, {"outputFiles": [{"filePattern": "*"}]}, "MissingRequiredProperty"),
        ({"jobPreparationTask": {"id": "BOSS", "commandLine": "x"}}, {}, "TaskIdSameAsJobPreparationTask"),
    ],
)
def test_what_is_refused(job: Json, manager: Json, code: str) -> None:
    world = a_world()
    with pytest.raises(BatchError) as caught:
        managed(world, job=job, **manager)
    assert caught.value.code == code
    assert not list(world.service.jobs())


def test_the_jobs_retries_are_the_managers() -> None:
    world = a_world()
    managed(world, job={"constraints": {"maxTaskRetryCount": 1}})
    world.finish("boss", 1, "manager")
    assert (world.task("boss").state, world.task("boss").retry_count) == ("running", 1)


@pytest.mark.parametrize("exit_code", [0, 3])
def test_the_job_ends_with_it_even_if_other_tasks_run(exit_code: int) -> None:
    world = a_world(nodes=2)
    managed(world)
    world.do("create_task", "job", a_task("worker"))
    world.do("create_task", "job", a_task("waits", requiredSlots=2))
    assert world.running_tasks() == ["worker"]
    world.finish("boss", exit_code, "manager")
    job = world.service.job("job")
    assert (job.state, job.terminate_reason) == ("completed", "JMComplete")
    assert world.states() == {"boss": "completed", "worker": "completed", "waits": "active"}
    failure = world.task("worker").failure
    assert failure is not None
    assert failure.code == "TaskEnded"


def test_the_job_goes_on_without_it_if_so_asked() -> None:
    world = a_world()
    managed(world, killJobOnCompletion=False, job={"onAllTasksComplete": "terminatejob"})
    world.do("create_task", "job", a_task())
    world.finish("boss", 0, "manager")
    assert (world.job_state(), world.running_tasks()) == ("active", ["task"])
    world.finish("task")
    assert world.service.job("job").terminate_reason == "AllTasksComplete"


def test_its_failure_ends_the_job_as_that_of_a_manager_not_of_a_task() -> None:
    world = a_world()
    managed(world, job={"onTaskFailure": "performexitoptionsjobaction"})
    world.finish("boss", 1, "manager")
    assert world.service.job("job").terminate_reason == "JMComplete"


def test_a_manager_that_is_terminated_ends_a_job_that_is_being_disabled() -> None:
    world = a_world()
    managed(world)
    world.do("disable_job", "job", "wait")
    assert world.job_state() == "disabling"
    world.do("terminate_task", "job", "boss")
    assert world.service.job("job").terminate_reason == "JMComplete"


def test_it_keeps_other_tasks_off_its_node() -> None:
    world = a_world(taskSlotsPerNode=4)
    managed(world)
    world.do("create_job", a_job("other"))
    world.do("create_task", "other", a_task())
    assert world.running_tasks() == []
    assert [reason.code for reason in world.service.why_not_running("other", "task")] == ["NoFreeSlots"]
    world.finish("boss", 0, "manager")
    assert world.running_tasks() == ["task"]


def test_it_waits_for_a_node_of_its_own_and_its_job_with_it() -> None:
    world = a_world(taskSlotsPerNode=4)
    world.do("create_job", a_job("other"))
    world.do("create_task", "other", a_task("first"))
    managed(world)
    world.do("create_task", "job", a_task("second"))
    world.do("create_task", "other", a_task("third"))
    assert world.running_tasks() == ["first", "third"]
    assert codes(world, "boss") == ["NoFreeSlots"]
    world.finish("first")
    world.finish("third")
    assert world.task("boss").state == "running"
    assert world.running_tasks() == []


def test_it_shares_its_node_if_so_asked() -> None:
    world = a_world(taskSlotsPerNode=3)
    managed(world, runExclusive=False, requiredSlots=2)
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    assert (world.task("boss").state, world.running_tasks()) == ("running", ["a"])


def test_it_stays_off_spot_nodes_if_so_asked_and_the_others_do_not_wait_for_it() -> None:
    world = a_world(0, targetLowPriorityNodes=2)
    managed(world, allowLowPriorityNode=False)
    world.do("create_task", "job", a_task())
    assert (world.task("boss").state, world.running_tasks()) == ("active", ["task"])
    assert codes(world, "boss") == ["NoDedicatedNode"]
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1})
    node = world.service.node("pool", world.task("boss").node_id or "")
    assert node.is_dedicated


def test_it_displaces_a_task_of_its_job_when_it_must_run_again() -> None:
    world = a_world(0, targetLowPriorityNodes=2)
    managed(world)
    world.do("create_task", "job", a_task())
    lost = world.task("boss").node_id or ""
    world.preempt(lost)
    assert (world.task("boss").state, world.task("boss").node_id != lost) == ("running", True)
    task = world.task()
    assert (task.state, task.requeue_count, task.retry_count) == ("active", 0, 0)
    world.advance(timedelta(minutes=2))
    assert world.task().state == "running"


def test_it_displaces_no_task_of_another_job() -> None:
    world = a_world(0, targetLowPriorityNodes=2)
    managed(world)
    world.do("create_job", a_job("other"))
    world.do("create_task", "other", a_task())
    world.preempt(world.task("boss").node_id or "")
    assert (world.task("boss").state, world.running_tasks()) == ("active", ["task"])


def test_its_node_is_the_last_to_go() -> None:
    world = a_world(3)
    managed(world)
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    node = world.task("boss").node_id
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1})
    assert world.node_ids() == [node]


def test_it_runs_again_after_a_restart_of_the_service_and_still_ends_its_job() -> None:
    world = a_world(taskSlotsPerNode=2)
    managed(world)
    world.die()
    world.do("create_job", a_job("other"))
    world.do("create_task", "other", a_task())
    assert (world.task("boss").state, world.running_tasks()) == ("running", [])
    world.finish("boss", 0, "manager")
    assert world.job_state() == "completed"


def test_a_manager_task_that_was_deleted_leaves_no_other_task_in_its_place() -> None:
    world = a_world()
    managed(world)
    world.do("delete_task", "job", "boss")
    world.do("create_task", "job", a_task("boss"))
    world.finish("boss")
    assert world.job_state() == "active"
