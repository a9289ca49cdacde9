"""What users ask of jobs. Every function refuses before it changes anything."""

from __future__ import annotations

from batch_emulator.service.assumptions import ENDED_JOB, POOL_OF_ACTIVE_JOB
from batch_emulator.service.entities import Job, Json
from batch_emulator.service.error_kinds import (
    JOB_BEING_DELETED,
    JOB_EXISTS,
    JOB_NOT_ACTIVE,
    JOB_NOT_FOUND,
    JOB_SCHEDULE_WITH_SAME_ID_EXISTS,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    conflict,
    invalid,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.jobs import job_entry, job_lifecycle, job_quota
from batch_emulator.service.jobs.job_spec import CHANGEABLE, changeable, make_job_spec
from batch_emulator.service.pools import auto_pools
from batch_emulator.service.pools.auto_pool_spec import changed_pool_info
from batch_emulator.service.pools.azure_ids import check_job_network
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.spec_checks import required, without_nulls
from batch_emulator.service.state import State


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
    if job_id in state.schedules:
        raise BatchError(JOB_SCHEDULE_WITH_SAME_ID_EXISTS)
    spec = make_job_spec(body)
    check_job_network(state.account, spec)
    job_quota.check(state)
    return job_entry.enter(state, job_id, spec).job


def patch(state: State, job_id: str, body: Json) -> Job:
    """Change what is given; a nested object is replaced as a whole."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    body = without_nulls(body)
    if "poolInfo" in body:
        _refuse_unless_disabled(room.job)
    given = {name: body[name] for name in (*CHANGEABLE, "poolInfo") if name in body}
    kept = {name: room.job.spec[name] for name in CHANGEABLE if name in room.job.spec}
    return _update(state, room, given, {**kept, **given})


def replace(state: State, job_id: str, body: Json) -> Job:
    """Change what is given and reset the rest to defaults."""
    room = find(state, job_id)
    _refuse_ended(room.job)
    body = without_nulls(body)
    required(body, "poolInfo")
    return _update(state, room, body, {name: body[name] for name in CHANGEABLE if name in body})


def _update(state: State, room: JobRoom, given: Json, wanted: Json) -> Job:
    job = room.job
    merged = changeable(wanted)
    check_job_network(state.account, merged)
    if job.spec["onAllTasksComplete"] == "terminatejob" and merged["onAllTasksComplete"] == "noaction":
        raise invalid(
            "onAllTasksComplete", "noaction", "It may be changed from noaction to terminatejob only"
        )
    info, pool_id = _changed_pool(job, given)
    if pool_id.lower() != job.pool_id.lower():
        _refuse_unless_disabled(job)
        # A job that names a pool now has no use for its own any more.
        auto_pools.job_ended(state, job)
    spec = {name: value for name, value in job.spec.items() if name not in CHANGEABLE}
    job.spec = {**spec, **merged, "poolInfo": info}
    state.bind(room, pool_id if pool_id.lower() != job.pool_id.lower() else job.pool_id)
    job_lifecycle.set_deadline(state, job)
    state.touch(job)
    state.changed(job)
    state.check_job(room)
    state.schedule(job.pool_id)
    return job


def _changed_pool(job: Job, given: Json) -> tuple[Json, str]:
    """``poolInfo`` after a change, and the pool's id."""
    if "poolInfo" not in given:
        return job.spec["poolInfo"], job.pool_id
    info = changed_pool_info(job.spec["poolInfo"], given["poolInfo"])
    return info, info.get("poolId", job.pool_id)


def _refuse_unless_disabled(job: Job) -> None:
    # Source: BatchJobUpdateOptions.poolInfo.
    if job.state != "disabled":
        raise conflict(POOL_OF_ACTIVE_JOB, "The pool of a job may be changed while it is disabled")


def _refuse_ended(job: Job) -> None:
    kinds = {**ENDED_JOB, "deleting": JOB_BEING_DELETED}
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


def terminate(state: State, job_id: str, reason: str | None = None, *, force: bool = False) -> Job:
    """End a job.

    :param reason: free text, ``UserTerminate`` if absent.
    :param force: do not wait for its nodes; a job that waits for them already is ended too.
    """
    room = find(state, job_id)
    if not (force and room.job.state == "terminating"):
        _refuse_ended(room.job)
    job_lifecycle.terminate(state, room, reason or "UserTerminate", force=force)
    return room.job


def delete(state: State, job_id: str, *, force: bool = False) -> Job:
    """Remove a job with all its tasks.

    :param force: do not wait for its nodes; a job that waits for them already is removed too.
    """
    room = find(state, job_id)
    if room.job.state == "deleting" and not force:
        raise BatchError(JOB_BEING_DELETED)
    job_lifecycle.delete(state, room, "requested", force=force)
    return room.job
