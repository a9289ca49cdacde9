"""The error of a job that was not done in time. Pure."""

from __future__ import annotations

from datetime import timedelta

from airflow_batch_provider.exceptions import BatchJobTimeoutError

_TOO_SLOW = (
    "Likely cause: its tasks take longer than expected, or the pool has too few nodes for them.\n"
    "Next step: look at the pool's nodes and the job's tasks; raise {limit} if the time was well spent."
)

_NO_NODE = (
    "Likely cause: the pool has no free node for it.\n"
    "Next step: look at the pool's nodes and at what runs on them; raise start_timeout if it may wait longer."
)

TIMEOUT = "AirflowTimeout"
"""The reason that is given to the service for the end of such a job."""


def late_error(
    job_id: str,
    reason: str,
    work: str | None,
    left: timedelta | None = None,
    start: timedelta | None = None,
) -> BatchJobTimeoutError:
    """The error of a job that is ended since its time is over.

    Parameters:
        job_id: the job.
        reason: why no task ran in the end; empty: one did, or that is not known.
        work: ``container/prefix`` of what its tasks left.
        left: what ``execution_timeout`` left for it, if that was over; None: the operator's own time was.
        start: the time for the start of a first task, if that was over; None: it was that of all.
    """
    if start is not None:
        told, cause = f"has started no task within start_timeout={start}", _NO_NODE
    elif left is not None:
        told = f"was not done within the {left} that execution_timeout leaves"
        cause = _TOO_SLOW.format(limit="execution_timeout")
    else:
        told = "was not done within the operator's timeout"
        cause = _TOO_SLOW.format(limit="timeout and max_wall_clock")
    return BatchJobTimeoutError(
        f"Batch job {job_id} {told} and is being ended.\n"
        + (f"No task ran in the end: {reason}" if reason else cause),
        job_id=job_id,
        work=work,
    )
