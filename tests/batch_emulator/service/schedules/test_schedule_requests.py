"""What is asked of a job schedule, and what is refused."""

from __future__ import annotations

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.entities import Json
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job, a_task
from tests.batch_emulator.service.refusals import refusal
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
from tests.batch_emulator.service.world import START, World


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"id": "a:b"}, "InvalidPropertyValue"),
        ({"schedule": {"recurrenceInterval": "PT30S"}}, "InvalidPropertyValue"),
        ({"schedule": {"startWindow": "PT30S"}}, "InvalidPropertyValue"),
        ({"schedule": None}, "MissingRequiredProperty"),
        ({"jobSpecification": None}, "MissingRequiredProperty"),
        ({"jobSpecification": {"poolInfo": {}}}, "MissingRequiredProperty"),
        ({"jobSpecification": {"poolInfo": {"poolId": "p"}, "priority": 1001}}, "InvalidPropertyValue"),
        ({"displayName": "x" * 1025}, "InvalidPropertyValue"),
        ({"metadata": [{"name": ""}]}, "EmptyMetadataKey"),
    ],
)
def test_what_is_refused_on_a_new_schedule(body: Json, code: str) -> None:
    world = World()
    assert refusal(world, "create_job_schedule", {**a_schedule(), **body})[0] == code
    assert (list(world.service.job_schedules()), list(world.service.jobs())) == ([], [])


def test_the_place_of_a_wrong_value_is_told() -> None:
    with pytest.raises(BatchError) as caught:
        World().do("create_job_schedule", a_schedule(job={"priority": 1001}))
    assert caught.value.values["PropertyName"] == "jobSpecification.priority"


def test_ids_are_unique_among_schedules_and_jobs() -> None:
    world = a_world()
    assert refusal(world, "create_job_schedule", {**a_schedule(), "id": "PLAN"}) == ("JobScheduleExists", 409)
    assert refusal(world, "create_job", a_job("Plan")) == ("JobScheduleWithSameIdExists", 409)
    world.do("create_job", a_job("job"))
    assert refusal(world, "create_job_schedule", {**a_schedule(), "id": "JOB"}) == (
        "JobWithSameIdExists",
        409,
    )


def test_a_schedule_that_is_not_there() -> None:
    world = World()
    for command in ("disable_job_schedule", "terminate_job_schedule", "delete_job_schedule"):
        assert refusal(world, command, "none") == ("JobScheduleNotFound", 404)
    with pytest.raises(BatchError):
        world.service.jobs_of_schedule("none")


def test_disabled_it_makes_no_job_and_leaves_the_active_one_alone() -> None:
    world = a_world()
    world.do("disable_job_schedule", "plan")
    assert (the(world).state, jobs(world)) == ("disabled", {"plan:job-1": "active"})
    assert refusal(world, "disable_job_schedule", "plan") == ("JobScheduleDisabled", 409)
    end_job(world, 1)
    world.advance(150 * MINUTE)
    assert len(jobs(world)) == 1
    world.do("enable_job_schedule", "plan")
    assert (the(world).state, len(jobs(world)), the(world).next_run_time) == ("active", 2, START + 3 * HOUR)
    assert refusal(world, "enable_job_schedule", "plan") == ("OperationInvalidForCurrentState", 409)


def test_enabled_after_the_window_it_waits_for_the_next_occurrence() -> None:
    world = a_world({**HOURLY, "startWindow": "PT5M"})
    end_job(world, 1)
    world.do("disable_job_schedule", "plan")
    world.advance(HOUR + 5 * MINUTE)
    world.do("enable_job_schedule", "plan")
    assert len(jobs(world)) == 1
    world.advance(55 * MINUTE)
    assert len(jobs(world)) == 2


def test_a_disabled_schedule_ends_at_its_time() -> None:
    world = a_world({**HOURLY, "doNotRunAfter": format_time(START + HOUR)})
    world.do("disable_job_schedule", "plan")
    end_job(world, 1)
    world.advance(HOUR)
    assert the(world).state == "completed"


def test_terminated_it_ends_its_job_with_a_reason_of_its_own() -> None:
    world = a_world()
    world.do("create_task", "plan:job-1", a_task())
    world.kills = False
    world.do("terminate_job_schedule", "plan")
    assert (the(world).state, jobs(world)) == ("terminating", {"plan:job-1": "terminating"})
    assert refusal(world, "terminate_job_schedule", "plan") == ("JobScheduleBeingTerminated", 409)
    assert refusal(world, "patch_job_schedule", "plan", {}) == ("JobScheduleBeingTerminated", 409)
    world.answer_pending()
    schedule = the(world)
    assert (schedule.state, schedule.previous_state, schedule.end_time) == (
        "completed",
        "terminating",
        world.now,
    )
    assert world.service.job("plan:job-1").terminate_reason == "TerminateJobSchedule"
    for command in ("terminate_job_schedule", "disable_job_schedule", "enable_job_schedule"):
        assert refusal(world, command, "plan") == ("JobScheduleCompleted", 409)
    world.advance(DAY)
    assert len(jobs(world)) == 1


def test_terminated_by_force_it_does_not_wait_for_the_nodes() -> None:
    world = a_world()
    world.do("create_task", "plan:job-1", a_task())
    world.kills = False
    world.do("terminate_job_schedule", "plan", force=True)
    assert (the(world).state, jobs(world)) == ("completed", {"plan:job-1": "completed"})


def test_deleted_it_takes_its_jobs_with_it() -> None:
    world = a_world()
    end_job(world, 1)
    world.advance(HOUR)
    world.do("create_task", "plan:job-2", a_task())
    world.kills = False
    world.do("delete_job_schedule", "plan")
    assert the(world).state == "deleting"
    assert list(jobs(world)) == ["plan:job-2"]
    assert refusal(world, "delete_job_schedule", "plan") == ("JobScheduleBeingDeleted", 409)
    assert refusal(world, "create_job_schedule", a_schedule()) == ("JobScheduleBeingDeleted", 409)
    world.answer_pending()
    assert refusal(world, "delete_job_schedule", "plan") == ("JobScheduleNotFound", 404)
    assert not list(world.service.jobs())
    world.do("create_job_schedule", a_schedule())
    assert jobs(world) == {"plan:job-1": "active"}


def test_deleted_by_force_it_is_gone_at_once() -> None:
    world = a_world()
    world.do("create_task", "plan:job-1", a_task())
    world.kills = False
    world.do("delete_job_schedule", "plan", force=True)
    assert refusal(world, "delete_job_schedule", "plan") == ("JobScheduleNotFound", 404)
    assert not list(world.service.jobs())
