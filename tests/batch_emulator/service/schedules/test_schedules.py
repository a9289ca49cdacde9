"""Job schedules (Azure Batch: *BatchJobSchedule*, *Jobs and tasks in Azure Batch*)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import Account, BatchError, Quotas
from batch_emulator.service.entities import JobSchedule, Json
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.pools.test_auto_pools import auto
from tests.batch_emulator.service.world import START, World

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


def refusal(world: World, command: str, *args: Any) -> tuple[str, int]:
    with pytest.raises(BatchError) as caught:
        world.do(command, *args)
    return caught.value.code, caught.value.status


# -------------------------------------------------------------- recurrence


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


# -------------------------------------------------------------- requests


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


# -------------------------------------------------------------- changes


def test_a_patch_keeps_what_it_does_not_name() -> None:
    world = a_world(metadata=[{"name": "a", "value": "b"}], displayName="Plan")
    before = the(world).etag
    world.do("patch_job_schedule", "plan", {"schedule": {"recurrenceInterval": "PT2H"}})
    schedule = the(world)
    assert schedule.etag != before
    assert schedule.spec["metadata"] == [{"name": "a", "value": "b"}]
    assert (schedule.spec["displayName"], schedule.next_run_time) == ("Plan", START + 2 * HOUR)
    world.do("patch_job_schedule", "plan", {"metadata": []})
    assert the(world).spec["metadata"] == []


def test_replacing_resets_what_is_not_given() -> None:
    world = a_world(metadata=[{"name": "a", "value": "b"}], displayName="Plan")
    world.do("replace_job_schedule", "plan", {"jobSpecification": {"poolInfo": {"poolId": "other"}}})
    schedule = the(world)
    assert (schedule.spec["schedule"], "metadata" in schedule.spec, schedule.next_run_time) == (
        {},
        False,
        None,
    )
    assert schedule.spec["displayName"] == "Plan"
    assert refusal(world, "replace_job_schedule", "plan", {}) == ("MissingRequiredProperty", 400)
    end_job(world, 1)
    assert the(world).state == "completed"


def test_a_change_touches_later_jobs_only() -> None:
    world = a_world()
    specification = {"poolInfo": {"poolId": "pool"}, "priority": 9}
    world.do("patch_job_schedule", "plan", {"jobSpecification": specification})
    assert world.service.job("plan:job-1").spec["priority"] == 0
    end_job(world, 1)
    world.advance(HOUR)
    assert world.service.job("plan:job-2").spec["priority"] == 9


def test_a_new_start_is_waited_for() -> None:
    world = a_world()
    end_job(world, 1)
    later = {**HOURLY, "doNotRunUntil": format_time(START + DAY)}
    world.do("patch_job_schedule", "plan", {"schedule": later})
    assert the(world).next_run_time == START + DAY
    world.advance(DAY)
    assert len(jobs(world)) == 2


def test_a_shorter_interval_may_be_due_at_once() -> None:
    world = a_world({"recurrenceInterval": "P1D"})
    end_job(world, 1)
    world.advance(2 * HOUR + MINUTE)
    world.do("patch_job_schedule", "plan", {"schedule": HOURLY})
    assert (len(jobs(world)), the(world).next_run_time) == (2, START + 3 * HOUR)


def test_making_a_job_is_no_change_of_the_schedule() -> None:
    world = a_world()
    end_job(world, 1)
    before = the(world).etag
    world.advance(HOUR)
    assert (len(jobs(world)), the(world).etag) == (2, before)


# -------------------------------------------------------------- quota, pools, restarts


def test_schedules_and_their_jobs_count_as_active_jobs() -> None:
    world = World(Account("acct", quotas=Quotas(active_jobs_and_schedules=2)))
    world.do("create_job_schedule", a_schedule())
    assert refusal(world, "create_job", a_job()) == ("ActiveJobAndScheduleQuotaReached", 409)
    body = {**a_schedule(), "id": "other"}
    assert refusal(world, "create_job_schedule", body) == ("ActiveJobAndScheduleQuotaReached", 409)
    end_job(world, 1)
    world.do("create_job", a_job())
    world.advance(HOUR)
    assert len(jobs(world)) == 1
    world.do("terminate_job", "job")
    world.advance(MINUTE)
    assert len(jobs(world)) == 2


def shared(**more: Any) -> Json:
    return auto(poolLifetimeOption="jobschedule", autoPoolIdPrefix="plan", **more)


def test_all_jobs_of_a_schedule_share_its_pool() -> None:
    world = World()
    world.do("create_job_schedule", a_schedule(job=shared()))
    [pool] = world.service.pools()
    end_job(world, 1)
    world.advance(HOUR)
    assert [job.pool_id for job in world.service.jobs_of_schedule("plan")] == [pool.id, pool.id]
    world.do("terminate_job_schedule", "plan")
    assert list(world.service.pools()) == []


def test_the_shared_pool_comes_with_the_first_job_and_goes_with_the_deleted_schedule() -> None:
    world = World()
    until = {**HOURLY, "doNotRunUntil": format_time(START + HOUR)}
    world.do("create_job_schedule", a_schedule(until, job=shared()))
    assert list(world.service.pools()) == []
    world.advance(HOUR)
    assert len(list(world.service.pools())) == 1
    world.do("delete_job_schedule", "plan")
    assert list(world.service.pools()) == []


def test_the_shared_pool_may_be_kept_or_be_deleted_by_its_user() -> None:
    world = World()
    world.do("create_job_schedule", a_schedule(job=shared(keepAlive=True)))
    [first] = world.service.pools()
    world.do("delete_pool", first.id)
    end_job(world, 1)
    world.advance(HOUR)
    [second] = world.service.pools()
    assert second.id != first.id
    world.do("terminate_job_schedule", "plan")
    assert list(world.service.pools()) == [second]


def test_each_job_may_have_a_pool_of_its_own() -> None:
    world = World()
    world.do("create_job_schedule", a_schedule(job=auto()))
    [first] = world.service.pools()
    end_job(world, 1)
    assert list(world.service.pools()) == []
    world.advance(HOUR)
    [second] = world.service.pools()
    assert first.id != second.id


def test_a_job_whose_pool_cannot_be_made_is_over_and_the_next_one_tries_again() -> None:
    world = World(Account("acct", quotas=Quotas(pools=0)))
    world.do("create_job_schedule", a_schedule(job=shared()))
    world.advance(HOUR)
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "completed"}
    error = world.service.job("plan:job-2").scheduling_error
    assert error is not None
    assert error["code"] == "AutoPoolCreationFailedWithQuotaReached"


def test_a_restart_forgets_nothing() -> None:
    world = a_world({**HOURLY, "doNotRunAfter": format_time(START + 3 * HOUR)})
    world.die()
    end_job(world, 1)
    world.advance(HOUR)
    world.die()
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "active"}
    world.now += 10 * HOUR
    world.die()
    end_job(world, 2)
    assert the(world).state == "completed"


def test_what_came_due_while_the_service_was_down_is_made_once() -> None:
    world = a_world()
    end_job(world, 1)
    world.now += 5 * HOUR + MINUTE
    world.die()
    assert jobs(world) == {"plan:job-1": "completed", "plan:job-2": "active"}
    assert the(world).next_run_time == START + 6 * HOUR
