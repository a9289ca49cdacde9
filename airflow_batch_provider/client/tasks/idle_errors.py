"""Errors of a task that has not run, from the reason that was found for it. Pure."""

from __future__ import annotations

from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.exceptions import BatchJobFailedError


def why_late(reason: str, otherwise: str) -> str:
    """Why a task was not done in time.

    Parameters:
        reason: why it did not run in the end; empty: it did, or that is not known.
        otherwise: likely cause and next step for a task that ran.
    """
    return f"It did not run in the end: {reason}" if reason else otherwise


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
