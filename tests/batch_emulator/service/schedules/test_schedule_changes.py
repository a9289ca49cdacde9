"""Changes of a job schedule; its quota, its pools, and restarts."""

from __future__ import annotations

from typing import Any

from batch_emulator.service import Account, Quotas
from batch_emulator.service.entities import Json
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_job
from tests.batch_emulator.service.pools.test_auto_pools import auto
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
