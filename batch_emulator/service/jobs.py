"""What users ask of jobs. Every function refuses before it changes anything."""

from __future__ import annotations

from batch_emulator.service import job_lifecycle, managers, task_entry
from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.entities import Job, Json, key_of
from batch_emulator.service.error_kinds import (
    JOB_BEING_DELETED,
    JOB_BEING_TERMINATED,
    JOB_COMPLETED,
    JOB_EXISTS,
    JOB_NOT_ACTIVE,
    JOB_NOT_FOUND,
    JOB_QUOTA_REACHED,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    conflict,
    invalid,
    unsupported,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.job_spec import CHANGEABLE, changeable, check_pool_info, make_job_spec
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.spec_checks import required, without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.times import later

_LIVE = ("active", "disabling", "disabled", "enabling", "terminating")


def find(state: State, job_id: str) -> JobRoom:
    """A job. :raises BatchError: ``JobNotFound``."""
    room = state.jobs.get(job_id)
    if room is None:
        raise BatchError(JOB_NOT_FOUND)
    return room


def create(state: State, body: Json) -> Job:
    """Add a job; its pool need not exist yet."""
    body = without_nulls(body)
    job_id = check_id(body.get("id"))
    existing = state.jobs.get(job_id)
    if existing is not None:
        raise BatchError(JOB_BEING_DELETED if existing.job.state == "deleting" else JOB_EXISTS)
    spec = make_job_spec(body)
    if (
        sum(room.job.state in _LIVE for room in state.jobs.values())
        >= state.account.quotas.active_jobs_and_schedules
    ):
        raise BatchError(JOB_QUOTA_REACHED)
    job = Job(
        id=job_id,
        spec=spec,
        creation_time=state.now,
        last_modified=state.now,
        etag=state.new_etag(),
        state="active",
        state_transition_time=state.now,
        start_time=state.now,
    )
    room = JobRoom(job)
    state.jobs.add(job_id, room)
    state.bind(room, spec["poolInfo"]["poolId"])
    _set_deadline(state, job)
    state.story.add(state.now, "job", key_of(job), None, "active", "created")
    state.changed(job)
    if "jobManagerTask" in spec:
        task_entry.enter(state, room, spec["jobManagerTask"]["id"], managers.task_of(spec["jobManagerTask"]))
    state.check_job(room)
    return job


def _set_deadline(state: State, job: Job) -> None:
    span = parse_duration(job.spec["constraints"]["maxWallClockTime"])
    job.deadline = None if is_unlimited(span) else later(job.creation_time, span)
    state.timers.set(job.deadline, "job", key_of(job))


def patch(state: State, job_id: str, body: Json) -> Job:
    """Change what is given; a nested object is replaced as a whole."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    body = without_nulls(body)
    given = {name: body[name] for name in (*CHANGEABLE, "poolInfo", "networkConfiguration") if name in body}
    return _update(
        state, room, given, {**{n: room.job.spec[n] for n in CHANGEABLE if n in room.job.spec}, **given}
    )


def replace(state: State, job_id: str, body: Json) -> Job:
    """Change what is given and reset the rest to defaults."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    body = without_nulls(body)
    required(body, "poolInfo")
    return _update(state, room, body, {name: body[name] for name in CHANGEABLE if name in body})


def _update(state: State, room: JobRoom, given: Json, wanted: Json) -> Job:
    job = room.job
    if "networkConfiguration" in given:
        raise unsupported("networkConfiguration", "There are no virtual networks here")
    merged = changeable(wanted)
    if job.spec["onAllTasksComplete"] == "terminatejob" and merged["onAllTasksComplete"] == "noaction":
        raise invalid(
            "onAllTasksComplete", "noaction", "It may be changed from noaction to terminatejob only"
        )
    pool_id = check_pool_info(given) if "poolInfo" in given else job.pool_id
    if pool_id.lower() != job.pool_id.lower() and job.state != "disabled":
        raise conflict(
            OPERATION_INVALID_FOR_CURRENT_STATE, "The pool of a job may be changed while it is disabled"
        )
    spec = {name: value for name, value in job.spec.items() if name not in CHANGEABLE}
    job.spec = {**spec, **merged, "poolInfo": given.get("poolInfo", job.spec["poolInfo"])}
    state.bind(room, pool_id if pool_id.lower() != job.pool_id.lower() else job.pool_id)
    _set_deadline(state, job)
    state.touch(job)
    state.changed(job)
    state.check_job(room)
    state.schedule(job.pool_id)
    return job


def _refuse_ended(job: Job) -> None:
    kinds = {"deleting": JOB_BEING_DELETED, "terminating": JOB_BEING_TERMINATED, "completed": JOB_COMPLETED}
    if job.state in kinds:
        raise BatchError(kinds[job.state])


def disable(state: State, job_id: str, option: str) -> Job:
    """Let nothing of the job run.

    :param option: ``requeue``, ``terminate`` or ``wait``: what becomes of running tasks.
    """
    room = find(state, job_id)
    _refuse_ended(room.job)
    if option not in ("requeue", "terminate", "wait"):
        raise invalid("disableTasks", option, "The value is requeue, terminate or wait")
    if room.job.state == "enabling":
        raise BatchError(JOB_NOT_ACTIVE)
    if room.job.state == "disabling":
        room.job.disable_tasks = option
        state.touch(room.job)
        state.changed(room.job)
        state.check_job(room)
    else:
        job_lifecycle.disable(state, room, option, "requested")
    return room.job


def enable(state: State, job_id: str) -> Job:
    """Let a disabled job go on."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    if room.job.state != "disabled":
        raise conflict(OPERATION_INVALID_FOR_CURRENT_STATE, f"The job is {room.job.state}, not disabled")
    room.job.disable_tasks = None
    state.move(room.job, "enabling", "requested")
    state.move(room.job, "active", "enabled")
    state.check_job(room)
    state.schedule(room.job.pool_id)
    return room.job


def terminate(state: State, job_id: str, reason: str | None = None) -> Job:
    """End a job. :param reason: free text, ``UserTerminate`` if absent."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    job_lifecycle.terminate(state, room, reason or "UserTerminate")
    return room.job


def delete(state: State, job_id: str) -> Job:
    """Remove a job with all its tasks."""
    room = find(state, job_id)
    if room.job.state == "deleting":
        raise BatchError(JOB_BEING_DELETED)
    state.move(room.job, "deleting", "requested")
    state.check_job(room)
    return room.job
