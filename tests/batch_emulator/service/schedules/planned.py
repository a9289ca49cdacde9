"""A world with one job schedule, `plan`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from batch_emulator.service.entities import JobSchedule, Json
from tests.batch_emulator.service.builders import a_pool
from tests.batch_emulator.service.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURLY = {"recurrenceInterval": "PT1H"}


def a_schedule(schedule: Json | None = None, job: Json | None = None, **more: Any) -> Json:
    specification = {"poolInfo": {"poolId": "pool"}, **(job or {})}
    plan = HOURLY if schedule is None else schedule
    return {"id": "plan", "schedule": plan, "jobSpecification": specification, **more}


def a_world(schedule: Json | None = None, job: Json | None = None, **more: Any) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job_schedule", a_schedule(schedule, job, **more))
    return world


def the(world: World) -> JobSchedule:
    return world.service.job_schedule("plan")


def jobs(world: World) -> dict[str, str]:
    return {job.id: job.state for job in world.service.jobs_of_schedule("plan")}


def end_job(world: World, number: int) -> None:
    world.do("terminate_job", f"plan:job-{number}")
