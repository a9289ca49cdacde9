"""What users ask of job schedules. Every function refuses before it changes anything."""

from __future__ import annotations

from batch_emulator.service.entities import JobSchedule, Json
from batch_emulator.service.error_kinds import (
    JOB_SCHEDULE_BEING_DELETED,
    JOB_SCHEDULE_BEING_TERMINATED,
    JOB_SCHEDULE_COMPLETED,
    JOB_SCHEDULE_DISABLED,
    JOB_SCHEDULE_EXISTS,
    JOB_SCHEDULE_NOT_FOUND,
    JOB_WITH_SAME_ID_EXISTS,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    conflict,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.jobs import job_quota
from batch_emulator.service.jobs.job_spec import make_job_spec
from batch_emulator.service.pools.azure_ids import check_job_network
from batch_emulator.service.schedules import recurrence, schedule_life
from batch_emulator.service.spec_checks import check_display_name, check_metadata, required, without_nulls
from batch_emulator.service.state import State


def find(state: State, schedule_id: str) -> JobSchedule:
    """A schedule. :raises BatchError: ``JobScheduleNotFound``."""
    schedule = state.schedules.get(schedule_id)
    if schedule is None:
        raise BatchError(JOB_SCHEDULE_NOT_FOUND)
    return schedule


def create(state: State, body: Json) -> JobSchedule:
    """Add a schedule; its first job may be made at once."""
    body = without_nulls(body)
    schedule_id = check_id(body.get("id"))
    existing = state.schedules.get(schedule_id)
    if existing is not None:
        is_leaving = existing.state == "deleting"
        raise BatchError(JOB_SCHEDULE_BEING_DELETED if is_leaving else JOB_SCHEDULE_EXISTS)
    if schedule_id in state.jobs:
        raise BatchError(JOB_WITH_SAME_ID_EXISTS)
    check_display_name(body)
    spec = {name: body[name] for name in ("displayName",) if name in body}
    required(body, "schedule")
    spec |= _changeable(state, body)
    job_quota.check(state)
    schedule = state.make(JobSchedule, schedule_id, spec)
    schedule.next_run_time = recurrence.first(schedule_life.plan_of(schedule), state.now)
    state.schedules.add(schedule_id, schedule)
    state.story.add(state.now, "job_schedule", schedule, None, "active", "created")
    state.changed(schedule)
    schedule_life.check(state, schedule)
    return schedule


def _changeable(state: State, body: Json) -> Json:
    """What may be changed later, checked."""
    specification = required(body, "jobSpecification")
    check_metadata(body)
    try:
        job = make_job_spec(specification, of_schedule=True)
        check_job_network(state.account, job)
    except BatchError as error:
        raise error.within("jobSpecification") from None
    spec = {"schedule": recurrence.make_configuration(body.get("schedule") or {}), "jobSpecification": job}
    return {**spec, "metadata": body["metadata"]} if "metadata" in body else spec


def patch(state: State, schedule_id: str, body: Json) -> JobSchedule:
    """Change what is given, each part as a whole. Only later jobs are touched by it."""
    schedule = _find_changeable(state, schedule_id)
    body = without_nulls(body)
    # What is kept was checked when it came; a user account's password is no longer there to be checked again.
    kept: Json = {name: schedule.spec[name] for name in ("schedule", "metadata") if name in schedule.spec}
    if "jobSpecification" in body:
        return _update(state, schedule, _changeable(state, {**kept, **body}))
    check_metadata(body)
    spec = {**schedule.spec, **{name: body[name] for name in ("metadata",) if name in body}}
    if "schedule" in body:
        spec["schedule"] = recurrence.make_configuration(body["schedule"])
    return _update(state, schedule, spec)


def replace(state: State, schedule_id: str, body: Json) -> JobSchedule:
    """Change what is given and reset the rest. Only later jobs are touched by it."""
    schedule = _find_changeable(state, schedule_id)
    return _update(state, schedule, _changeable(state, without_nulls(body)))


def _update(state: State, schedule: JobSchedule, wanted: Json) -> JobSchedule:
    name = {"displayName": schedule.spec["displayName"]} if "displayName" in schedule.spec else {}
    replanned = wanted["schedule"] != schedule.spec["schedule"]
    schedule.spec = {**name, **wanted}
    if replanned:
        _replan(state, schedule)
    state.touch(schedule)
    state.changed(schedule)
    schedule_life.check(state, schedule)
    return schedule


def _replan(state: State, schedule: JobSchedule) -> None:
    plan = schedule_life.plan_of(schedule)
    if plan.until is not None and plan.until > state.now:
        schedule.due = None
    last = schedule.last_occurrence
    schedule.next_run_time = (
        recurrence.first(plan, schedule.creation_time) if last is None else recurrence.following(plan, last)
    )


def _find_changeable(state: State, schedule_id: str) -> JobSchedule:
    schedule = find(state, schedule_id)
    kinds = {
        "deleting": JOB_SCHEDULE_BEING_DELETED,
        "terminating": JOB_SCHEDULE_BEING_TERMINATED,
        "completed": JOB_SCHEDULE_COMPLETED,
    }
    if schedule.state in kinds:
        raise BatchError(kinds[schedule.state])
    return schedule


def disable(state: State, schedule_id: str) -> JobSchedule:
    """Make no more jobs; the one that goes on is left alone."""
    schedule = _find_changeable(state, schedule_id)
    if schedule.state == "disabled":
        raise BatchError(JOB_SCHEDULE_DISABLED)
    state.move(schedule, "disabled", "requested")
    return schedule


def enable(state: State, schedule_id: str) -> JobSchedule:
    """Make jobs again."""
    schedule = _find_changeable(state, schedule_id)
    if schedule.state != "disabled":
        raise conflict(
            OPERATION_INVALID_FOR_CURRENT_STATE, f"The job schedule is {schedule.state}, not disabled"
        )
    state.move(schedule, "active", "requested")
    schedule_life.check(state, schedule)
    return schedule


def terminate(state: State, schedule_id: str, *, force: bool = False) -> JobSchedule:
    """End a schedule and the job that goes on."""
    schedule = _find_changeable(state, schedule_id)
    schedule_life.terminate(state, schedule, force=force)
    return schedule


def delete(state: State, schedule_id: str, *, force: bool = False) -> JobSchedule:
    """Remove a schedule with all its jobs and their tasks."""
    schedule = find(state, schedule_id)
    if schedule.state == "deleting":
        raise BatchError(JOB_SCHEDULE_BEING_DELETED)
    schedule_life.delete(state, schedule, force=force)
    return schedule
