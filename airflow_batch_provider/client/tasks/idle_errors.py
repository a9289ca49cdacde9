"""Errors of a task that has not run, from the reason that was found for it. Pure."""

from __future__ import annotations

from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.exceptions import BatchJobFailedError

_SLOW, _NO_NODE = "it takes longer than expected", "the pool has too few nodes"


def why_late(reason: str, limit: str, *, ran: bool | None = None) -> str:
    """Why a task was not done in time.

    Parameters:
        reason: why it did not run in the end; empty: it did, or that is not known.
        limit: the arguments by which its time can be made longer.
        ran: whether it had a node; None: that is not known.
    """
    if reason:
        return f"It did not run in the end: {reason}"
    cause = f"{_SLOW}, or {_NO_NODE}" if ran is None else _SLOW if ran else _NO_NODE
    look = "the pool's nodes" if ran is False else "the pool's nodes and the task's output"
    return f"Likely cause: {cause}.\nNext step: look at {look}; raise {limit} if the time was well spent."


def unprepared_error(job_id: str, consequence: str, reason: str, printed: str) -> BatchJobFailedError:
    """The error of a task that no node can be prepared for.

    Parameters:
        job_id: its job.
        consequence: what is done about it.
        reason: why it waits in vain.
        printed: what the preparation task has printed.
    """
    message = f"{consequence}, since no task of it can run: {reason}{printed}"
    return BatchJobFailedError(message, job_id=job_id, layer=Layer.NODE_START)
