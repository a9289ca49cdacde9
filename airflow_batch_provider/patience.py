"""How long a task waits for what it has begun."""

from __future__ import annotations

from datetime import timedelta

_CLEANUP = timedelta(minutes=1)
"""For the way back from the triggerer, and for the request that ends the job."""


def patience_of(timeout: timedelta, execution_timeout: timedelta | None) -> timedelta:
    """How long to wait for a job, so that it is ended in time: Airflow's own timeout leaves none for that.

    Parameters:
        timeout: what the operator would wait.
        execution_timeout: after which Airflow ends the task; None: never.

    Returns:
        The shorter one, a minute less than Airflow's, or a tenth of it less if that is short.
    """
    left = left_by(execution_timeout)
    return timeout if left is None else min(timeout, left)


def left_by(execution_timeout: timedelta | None) -> timedelta | None:
    """How much Airflow's own timeout leaves for the wait.

    Parameters:
        execution_timeout: after which Airflow ends the task; None: never.

    Returns:
        A minute less, or a tenth less if it is short; None: as much as one likes.
    """
    if execution_timeout is None:
        return None
    return execution_timeout - min(_CLEANUP, execution_timeout / 10)
