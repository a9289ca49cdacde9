"""Points 13, 14, 15 and 18 of the acceptance checklist as stories. The rules one by one are elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import Account, BatchError, Quotas
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import START, World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def a_world(nodes: int = 2) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes))
    return world


def reason(world: World, job_id: str = "job") -> str | None:
    return world.service.job(job_id).terminate_reason


def test_checklist_13_all_tasks_complete_of_an_empty_job() -> None:
    world = a_world()
    world.do("create_job", a_job(onAllTasksComplete="terminatejob"))
    assert (world.job_state(), reason(world)) == ("completed", "AllTasksComplete")


def test_checklist_13_a_blocked_dependent_keeps_its_job_from_completing() -> None:
    world = a_world()
    world.do("create_job", a_job(usesTaskDependencies=True))
    world.do("create_task", "job", a_task("parent"))
    world.do("create_task", "job", a_task("child", dependsOn=after("parent")))
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    world.finish("parent", 1)
    world.advance(timedelta(days=30))
    assert (world.job_state(), world.states()) == ("active", {"child": "active", "parent": "completed"})
    world.do("reactivate_task", "job", "parent")
    world.finish("parent")
    world.finish("child")
    assert reason(world) == "AllTasksComplete"


def test_checklist_13_a_manager_ends_its_job() -> None:
    world = a_world()
    world.do("create_job", a_job(jobManagerTask={"id": "boss", "commandLine": "x"}))
    world.do("create_task", "job", a_task())
    world.finish("boss", kind="manager")
    assert (reason(world), world.states()["task"]) == ("JMComplete", "completed")


def test_checklist_13_a_jobs_wall_clock() -> None:
    world = a_world()
    world.do("create_job", a_job(constraints={"maxWallClockTime": "PT10M"}))
    world.do("create_task", "job", a_task())
    world.advance(10 * MINUTE)
    assert (world.job_state(), reason(world)) == ("completed", "MaxWallClockTimeExpiry")


def test_checklist_14_preparation_that_fails_everywhere_leaves_the_job_stuck() -> None:
    world = a_world(nodes=2)
    world.do("create_job", a_job(jobPreparationTask={"commandLine": "x"}, onAllTasksComplete="noaction"))
    world.do("create_task", "job", a_task())
    for _ in range(2):
        world.finish("jobpreparation", 1, kind="preparation")
    world.advance(timedelta(days=1))
    assert (world.job_state(), world.states()) == ("active", {"task": "active"})
    assert [why.code for why in world.service.why_not_running("job", "task")] == ["PreparationFailed"]
    assert world.service.job("job").scheduling_error is None


def test_checklist_14_release_runs_once_on_each_node() -> None:
    world = a_world(nodes=2)
    special = {"jobPreparationTask": {"commandLine": "x"}, "jobReleaseTask": {"commandLine": "y"}}
    world.do("create_job", a_job(**special))
    world.do("add_tasks", "job", [a_task(str(number)) for number in range(6)])
    world.finish_all()
    world.do("terminate_job", "job")
    assert sorted(run.node_id for run in world.running.values()) == sorted(world.node_ids())
    world.finish_all()
    assert world.job_state() == "completed"
    world.do("delete_job", "job")
    assert not world.running
    assert not list(world.service.jobs())


def test_checklist_15_schedules() -> None:
    world = a_world()
    plan = {
        "recurrenceInterval": "PT1H",
        "startWindow": "PT10M",
        "doNotRunAfter": format_time(START + 4 * HOUR),
    }
    specification = {"poolInfo": {"poolId": "pool"}}
    world.do("create_job_schedule", {"id": "plan", "schedule": plan, "jobSpecification": specification})

    def jobs() -> int:
        return len(list(world.service.jobs_of_schedule("plan")))

    # One active job at a time, and an occurrence whose window passes is lost.
    world.advance(HOUR + 30 * MINUTE)
    world.do("terminate_job", "plan:job-1")
    assert jobs() == 1
    world.advance(30 * MINUTE)
    assert jobs() == 2
    # After its end no more jobs are made; it completes with the job that goes on.
    world.advance(10 * HOUR)
    assert (jobs(), world.service.job_schedule("plan").state) == (2, "active")
    world.do("terminate_job", "plan:job-2", reason="enough")
    assert world.service.job_schedule("plan").state == "completed"
    # The reason of a job that ends with its schedule.
    world.do("create_job_schedule", {"id": "other", "schedule": {}, "jobSpecification": specification})
    world.do("terminate_job_schedule", "other")
    assert reason(world, "other:job-1") == "TerminateJobSchedule"


def test_checklist_18_the_quota_of_active_jobs_and_schedules() -> None:
    world = World(Account("acct", quotas=Quotas(active_jobs_and_schedules=2)))
    world.do("create_job", a_job("a"))
    world.do("create_job", a_job("b"))
    with pytest.raises(BatchError) as caught:
        world.do("create_job", a_job("c"))
    assert (caught.value.status, caught.value.code) == (409, "ActiveJobAndScheduleQuotaReached")
    world.do("terminate_job", "a")
    world.do("create_job", a_job("c"))
