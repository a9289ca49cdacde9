"""When a job schedule makes its jobs (Azure Batch: *BatchJobSchedule*, *Jobs and tasks in Azure Batch*)."""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job
from tests.batch_emulator.service.schedules.planned import (
    DAY,
    HOUR,
    HOURLY,
    MINUTE,
    a_schedule,
    a_world,
    end_job,
    jobs,
    the,
)
from tests.batch_emulator.service.world import START


def test_the_first_job_exists_at_once() -> None:
    world = a_world({"recurrenceInterval": "P1D"})
    assert jobs(world) == {"plan:job-1": "active"}
    schedule = the(world)
    assert (schedule.state, schedule.recent_job_id, schedule.next_run_time) == (
        "active",
        "plan:job-1",
        START + DAY,
    )


def test_its_job_is_a_job_like_others_with_a_directory_of_its_own() -> None:
    manager = {"id": "boss", "commandLine": "x"}
    world = a_world(job={"displayName": "Nightly", "priority": 3, "jobManagerTask": manager})
    job = world.service.job("plan:job-1")
    assert (job.spec["displayName"], job.spec["priority"], job.pool_id) == ("Nightly", 3, "pool")
    assert world.run_of("boss", "manager").task_root == "workitems/plan/job-1/boss"
    world.finish("boss", kind="manager")
    assert jobs(world) == {"plan:job-1": "completed"}


def test_one_job_follows_the_other_at_each_interval() -> None:
    world = a_world()
    for number in (1, 2, 3):
        end_job(world, number)
        world.advance(HOUR)
    assert jobs(world) == {f"plan:job-{n}": "completed" if n < 4 else "active" for n in (1, 2, 3, 4)}
    assert world.service.job("plan:job-4").creation_time == START + 3 * HOUR


def test_there_is_one_active_job_at_a_time() -> None:
    world = a_world()
    world.advance(90 * MINUTE)
    assert jobs(world) == {"plan:job-1": "active"}
    end_job(world, 1)
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "active"}
    # Later jobs keep to the hours at which they are due.
    assert the(world).next_run_time == START + 2 * HOUR


def test_nothing_is_carried_over_to_the_next_interval() -> None:
    world = a_world()
    world.advance(5 * HOUR + MINUTE)
    end_job(world, 1)
    end_job(world, 2)
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "completed"}
    assert the(world).next_run_time == START + 6 * HOUR


def test_a_job_that_cannot_start_within_the_window_is_lost() -> None:
    world = a_world({**HOURLY, "startWindow": "PT10M"})
    world.advance(HOUR + 10 * MINUTE)
    end_job(world, 1)
    assert jobs(world) == {"plan:job-1": "completed"}
    world.advance(50 * MINUTE)
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "active"}


def test_a_job_starts_late_within_the_window() -> None:
    world = a_world({**HOURLY, "startWindow": "PT10M"})
    world.advance(HOUR + 9 * MINUTE)
    end_job(world, 1)
    assert jobs(world)["plan:job-2"] == "active"


def test_nothing_runs_before_it_may() -> None:
    world = a_world({**HOURLY, "doNotRunUntil": format_time(START + DAY)})
    assert (jobs(world), the(world).next_run_time) == ({}, START + DAY)
    world.advance(DAY - timedelta(seconds=1))
    assert jobs(world) == {}
    world.advance(timedelta(seconds=1))
    assert (jobs(world), the(world).next_run_time) == ({"plan:job-1": "active"}, START + DAY + HOUR)


def test_after_its_end_it_completes_when_no_job_is_active() -> None:
    world = a_world({**HOURLY, "doNotRunAfter": format_time(START + 90 * MINUTE)})
    world.advance(HOUR)
    end_job(world, 1)
    assert (the(world).state, the(world).next_run_time) == ("active", None)
    world.advance(HOUR)
    assert the(world).state == "active"
    end_job(world, 2)
    assert (the(world).state, the(world).end_time) == ("completed", world.now)
    world.advance(DAY)
    assert len(jobs(world)) == 2


def test_at_its_end_it_completes_if_no_job_is_active() -> None:
    world = a_world({**HOURLY, "doNotRunAfter": format_time(START + 30 * MINUTE)})
    end_job(world, 1)
    assert the(world).state == "active"
    world.advance(HOUR)
    assert (the(world).state, the(world).end_time) == ("completed", START + 30 * MINUTE)


def test_a_schedule_that_is_over_from_the_start_makes_no_job() -> None:
    world = a_world({**HOURLY, "doNotRunAfter": format_time(START - HOUR)})
    assert (the(world).state, jobs(world)) == ("completed", {})


def test_without_recurrence_there_is_one_job_and_the_schedule_ends_with_it() -> None:
    world = a_world({})
    assert (jobs(world), the(world).next_run_time) == ({"plan:job-1": "active"}, None)
    world.advance(DAY)
    end_job(world, 1)
    assert (the(world).state, jobs(world)) == ("completed", {"plan:job-1": "completed"})


def test_a_job_that_is_deleted_makes_way_too() -> None:
    world = a_world({})
    world.do("delete_job", "plan:job-1")
    assert (the(world).state, jobs(world)) == ("completed", {})


def test_the_jobs_of_a_schedule_are_listed_without_those_of_others() -> None:
    world = a_world()
    world.do("create_job_schedule", {**a_schedule(), "id": "plan-b"})
    world.do("create_job_schedule", {**a_schedule(), "id": "plan0"})
    world.do("create_job", a_job("plans"))
    for number in range(1, 12):
        end_job(world, number)
        world.advance(HOUR)
    assert len(jobs(world)) == 12
    assert list(jobs(world))[:3] == ["plan:job-1", "plan:job-10", "plan:job-11"]
    after = [job.id for job in world.service.jobs_of_schedule("PLAN", "plan:job-8")]
    assert after == ["plan:job-9"]
