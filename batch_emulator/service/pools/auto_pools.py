"""Pools that are made for a job, or for the jobs of a schedule, and go when those end.

Source: *Jobs and tasks in Azure Batch*, *BatchAutoPoolSpecification*, *Job scheduling error codes*.
"""

from __future__ import annotations

from batch_emulator.service.assumptions import auto_pool_id
from batch_emulator.service.entities import Job, Json
from batch_emulator.service.errors import BatchError, Failure
from batch_emulator.service.ids import make_guid
from batch_emulator.service.jobs.job_assumptions import AUTO_POOL_ERRORS
from batch_emulator.service.pools import pools
from batch_emulator.service.pools.auto_pool_spec import split
from batch_emulator.service.state import State


def create(state: State, specification: Json, *owner: object) -> str | Failure:
    """Make a pool.

    :param owner: what tells it from all other pools, such as a job's id and time of creation.
    :returns: the pool's id, or why there is none.
    """
    guid = make_guid(state.seed, *owner).upper()
    pool_id = auto_pool_id(specification.get("autoPoolIdPrefix"), guid)
    spec, sizing = split(specification["pool"])
    try:
        pools.enter(state, pool_id, spec, sizing)
    except BatchError as error:
        code = AUTO_POOL_ERRORS.get(error.code, "InvalidAutoPoolSettings")
        return Failure(code, error.kind.message, details=tuple(error.values.items()))
    return pool_id


def of_job(job: Job) -> Json | None:
    """The specification of the pool that was made for this job alone."""
    specification: Json | None = job.spec["poolInfo"].get("autoPoolSpecification")
    return specification if specification and specification["poolLifetimeOption"] == "job" else None


def job_ended(state: State, job: Job) -> None:
    """A job's own pool goes with it, unless it is to be kept."""
    specification = of_job(job)
    if specification is not None and not specification["keepAlive"]:
        remove(state, job.pool_id)


def remove(state: State, pool_id: str) -> None:
    """Delete a pool, if nobody did so before."""
    room = state.pools.get(pool_id) if pool_id else None
    if room is not None and room.pool.state == "active":
        pools.delete(state, pool_id)
