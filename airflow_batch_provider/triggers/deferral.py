"""How long a trigger must live before it may fire."""

from __future__ import annotations

from airflow.configuration import conf

_MARGIN = 1.0


def seconds_until_worker_ended() -> float:
    """Seconds after which the worker that deferred the task has surely ended.

    Airflow 3.3.2 fails a task whose trigger fires before that: the scheduler takes the end of that worker for
    the end of the resumed task, if it has queued it by then. A worker's supervisor may notice the end of its
    task only after ``[workers] min_heartbeat_interval``.
    """
    return conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0) + _MARGIN
