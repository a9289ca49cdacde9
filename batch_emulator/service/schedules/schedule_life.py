"""A job schedule's way: its jobs one after the other, and its end.

Source: *BatchJobScheduleConfiguration*, *BatchJobScheduleState*, *Jobs and tasks in Azure Batch*.
"""

from __future__ import annotations

from batch_emulator.service.entities import JobSchedule, Json, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.ids import schedule_job_id
from batch_emulator.service.jobs import job_entry, job_lifecycle, job_quota
from batch_emulator.service.pools import auto_pools
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.schedules import recurrence
from batch_emulator.service.schedules.recurrence import Plan
from batch_emulator.service.schedules.schedule_assumptions import RETRY_WHEN_QUOTA_REACHED
from batch_emulator.service.state import State


def jobs_of(state: State, schedule: JobSchedule) -> list[JobRoom]:
    """The jobs that a schedule made and that are still there."""
    prefix = schedule_job_id(schedule.id, "")
    found = []
    for room in state.jobs.after(prefix):
        if not room.job.id.startswith(prefix):
            break
        found.append(room)
    return found


def active_job(state: State, schedule: JobSchedule) -> JobRoom | None:
    """The job that goes on. There is one at most, and it is the latest."""
    room = state.jobs.get(schedule.recent_job_id) if schedule.recent_job_id else None
    return room if room is not None and room.job.state != "completed" else None


def plan_of(schedule: JobSchedule) -> Plan:
    """When the schedule makes jobs."""
    return recurrence.read(schedule.spec["schedule"])


def check(state: State, schedule: JobSchedule) -> None:
    """Take a schedule as far as it can go now."""
    if schedule.state == "completed":
        return
    if schedule.state == "deleting":
        if not jobs_of(state, schedule):
            _remove(state, schedule)
        return
    active = active_job(state, schedule)
    if schedule.state == "terminating":
        if active is None:
            _complete(state, schedule, "terminated")
        return
    plan = plan_of(schedule)
    _note_time(state, schedule, plan)
    if active is None:
        _make_job_if_due(state, schedule, plan)
        if active_job(state, schedule) is None and _is_over(state, schedule, plan):
            _complete(state, schedule, "no more jobs are to be made")
            return
    set_timers(state, schedule, plan)


def _note_time(state: State, schedule: JobSchedule, plan: Plan) -> None:
    """What was next may be due now, in place of what was due before; what was due may be lost."""
    before = (schedule.due, schedule.next_run_time)
    if schedule.next_run_time is not None and schedule.next_run_time <= state.now:
        occurrence = recurrence.latest(plan, schedule.next_run_time, state.now)
        schedule.due = schedule.last_occurrence = occurrence
        schedule.next_run_time = recurrence.following(plan, occurrence)
    if schedule.due is not None:
        end = recurrence.window_end(plan, schedule.due)
        if any(limit is not None and limit <= state.now for limit in (end, plan.after)):
            schedule.due = None
    if (schedule.due, schedule.next_run_time) != before:
        state.changed(schedule)


def _make_job_if_due(state: State, schedule: JobSchedule, plan: Plan) -> None:
    if schedule.state != "active" or schedule.due is None:
        return
    if job_quota.reached(state):
        state.timers.set(state.now + RETRY_WHEN_QUOTA_REACHED, "job_schedule", key_of(schedule))
        return
    schedule.due = None
    schedule.jobs_made += 1
    job_id = schedule_job_id(schedule.id, schedule.jobs_made)
    specification = schedule.spec["jobSpecification"]
    job_entry.enter(state, job_id, specification, _shared_pool(state, schedule, specification))
    schedule.recent_job_id = job_id
    state.changed(schedule)


def _shared_pool(state: State, schedule: JobSchedule, specification: Json) -> str | Failure | None:
    """The pool of all jobs of the schedule, made with the first of them."""
    wanted = specification["poolInfo"].get("autoPoolSpecification")
    if wanted is None or wanted["poolLifetimeOption"] != "jobschedule":
        return None
    if schedule.auto_pool_id is not None and schedule.auto_pool_id in state.pools:
        return schedule.auto_pool_id
    pool = auto_pools.create(state, wanted, "schedule", key_of(schedule), state.now)
    if isinstance(pool, str):
        schedule.auto_pool_id = pool
    return pool


def _is_over(state: State, schedule: JobSchedule, plan: Plan) -> bool:
    if schedule.due is not None or schedule.next_run_time is not None:
        return False
    return plan.interval is None or plan.after is None or state.now >= plan.after


def set_timers(state: State, schedule: JobSchedule, plan: Plan) -> None:
    """Ask to be woken when something about the schedule may change."""
    key = key_of(schedule)
    state.timers.set(schedule.next_run_time, "job_schedule", key)
    if schedule.due is not None:
        state.timers.set(recurrence.window_end(plan, schedule.due), "job_schedule", key)
    if plan.after is not None and plan.after > state.now:
        state.timers.set(plan.after, "job_schedule", key)


def terminate(state: State, schedule: JobSchedule, *, force: bool = False) -> None:
    """End a schedule and the job that goes on."""
    schedule.due = schedule.next_run_time = None
    state.move(schedule, "terminating", "requested")
    active = active_job(state, schedule)
    if active is not None and active.job.state not in ("terminating", "deleting"):
        job_lifecycle.terminate(state, active, "TerminateJobSchedule", force=force)
    state.check_schedule(schedule.id)


def delete(state: State, schedule: JobSchedule, *, force: bool = False) -> None:
    """Remove a schedule with all its jobs."""
    schedule.due = schedule.next_run_time = None
    state.move(schedule, "deleting", "requested")
    for room in jobs_of(state, schedule):
        if room.job.state != "deleting":
            job_lifecycle.delete(state, room, "its schedule is deleted", force=force)
    state.check_schedule(schedule.id)


def _complete(state: State, schedule: JobSchedule, cause: str) -> None:
    schedule.end_time = state.now
    state.move(schedule, "completed", cause)
    _release_pool(state, schedule)


def _release_pool(state: State, schedule: JobSchedule) -> None:
    wanted = schedule.spec["jobSpecification"]["poolInfo"].get("autoPoolSpecification") or {}
    if schedule.auto_pool_id is not None and not wanted.get("keepAlive"):
        auto_pools.remove(state, schedule.auto_pool_id)


def _remove(state: State, schedule: JobSchedule) -> None:
    _release_pool(state, schedule)
    state.schedules.remove(schedule.id)
    state.removed(schedule)
    state.story.add(state.now, "job_schedule", schedule, "deleting", "gone", "deleted")
