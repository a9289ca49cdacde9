"""What tasks, jobs and schedules used (Azure Batch: *BatchTaskStatistics*, *BatchJobStatistics*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import statistics
from batch_emulator.service.resource_use import ResourceUse
from batch_emulator.service.statistics import Statistics
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World

SECOND = 1_000_000


@pytest.fixture
def world() -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    world.do("create_job", a_job())
    return world


def work(world: World, task_id: str, seconds: int, exit_code: int = 0, job_id: str = "job") -> None:
    world.advance(timedelta(seconds=seconds))
    world.finish(task_id, exit_code, use=ResourceUse(user=300, kernel=20, read=4096, written=512))


def of_job(world: World, job_id: str = "job") -> Statistics:
    return world.service.job_statistics(job_id, world.now)


def test_every_try_counts(world: World) -> None:
    world.do("create_task", "job", a_task(constraints={"maxTaskRetryCount": 1}))
    work(world, "task", 5, 1)
    work(world, "task", 7)
    figures = statistics.of_task(world.task(), world.now)
    assert figures == Statistics(600, 40, 12 * SECOND, 8192, 1024, succeeded=1, failed=0, retries=1)
    assert statistics.waited(world.task()) == timedelta(seconds=5)


def test_a_task_that_runs_counts_until_now(world: World) -> None:
    world.do("create_task", "job", a_task())
    world.advance(timedelta(seconds=9))
    assert of_job(world).wall == 9 * SECOND
    world.do("create_task", "job", a_task("waits", requiredSlots=2))
    assert of_job(world) == Statistics(wall=9 * SECOND)
    assert statistics.waited(world.task("waits")) == timedelta(0)


def test_a_job_counts_its_tasks_also_those_that_were_deleted(world: World) -> None:
    for name, code in (("good", 0), ("bad", 1)):
        world.do("create_task", "job", a_task(name))
        work(world, name, 2, code)
    before = of_job(world)
    assert before == Statistics(600, 40, 4 * SECOND, 8192, 1024, succeeded=1, failed=1)
    world.do("delete_task", "job", "bad")
    assert of_job(world) == before
    world.die()
    assert of_job(world) == before


def test_a_schedule_counts_its_jobs_also_those_that_were_deleted(world: World) -> None:
    specification = {"poolInfo": {"poolId": "pool"}}
    body = {"id": "plan", "schedule": {"recurrenceInterval": "PT1H"}, "jobSpecification": specification}
    world.do("create_job_schedule", body)
    for number in (1, 2):
        world.do("create_task", f"plan:job-{number}", a_task(f"t{number}"))
        work(world, f"t{number}", 3)
        world.do("terminate_job", f"plan:job-{number}")
        world.advance(timedelta(hours=1))
    before = world.service.job_schedule_statistics("plan", world.now)
    assert before == Statistics(600, 40, 6 * SECOND, 8192, 1024, succeeded=2)
    world.do("delete_job", "plan:job-1")
    assert world.service.job_schedule_statistics("plan", world.now) == before
    world.die()
    assert world.service.job_schedule_statistics("plan", world.now) == before
