"""A job comes into the account, with its pool and its manager."""

from __future__ import annotations

from batch_emulator.service.entities import Job, Json, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.jobs import job_lifecycle, managers
from batch_emulator.service.pools import auto_pools
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_entry


def enter(state: State, job_id: str, spec: Json, shared_pool: str | Failure | None = None) -> JobRoom:
    """Add a job whose specification was checked; the account has none of that id.

    :param shared_pool: id of the pool that the jobs of a schedule share, or why there is none.
    """
    job = state.make(Job, job_id, spec, start_time=state.now)
    room = JobRoom(job)
    state.jobs.add(job_id, room)
    state.story.add(state.now, "job", job, None, "active", "created")
    pool = shared_pool or _pool_of(state, job)
    state.bind(room, pool if isinstance(pool, str) else "")
    job_lifecycle.set_deadline(state, job)
    state.changed(job)
    manager = spec.get("jobManagerTask")
    if manager:
        task_entry.enter(state, room, manager["id"], managers.task_of(manager))
    if isinstance(pool, Failure):
        job_lifecycle.fail(state, room, pool)
    state.check_job(room)
    return room


def _pool_of(state: State, job: Job) -> str | Failure:
    own = auto_pools.of_job(job)
    if own is None:
        return str(job.spec["poolInfo"]["poolId"])
    return auto_pools.create(state, own, "job", key_of(job), job.creation_time)
