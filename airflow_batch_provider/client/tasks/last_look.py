"""What is true of a task whose time is over: the watch may have seen nothing for long."""

from __future__ import annotations

from airflow_batch_provider.client.requests.job_requests import find_task
from airflow_batch_provider.client.requests.records import TASK_FIELDS, task_view
from airflow_batch_provider.client.requests.steps import Script

_TERMINATED = "TaskEnded"
"""Code of a task that was ended, as by an earlier try of whoever asks."""


def last_look(job_id: str, task_id: str, ending: str) -> Script[str]:
    """Why watching a task ended, by how the task is now.

    Parameters:
        job_id, task_id: the task.
        ending: which of its times is over, as ``watch_task`` gave it.

    Returns:
        ``ended`` when it has ended by itself meanwhile; ``unstarted`` instead of the time of its run when it
        waits; else what was given.
    """
    wire = yield from find_task(job_id, task_id)
    task = None if wire is None else task_view(wire)
    if task is None or (task.completed and task.code != _TERMINATED):
        return "ended"
    return "unstarted" if ending == "timeout" and task.state == "active" else ending


def waits_for_others(job_id: str, task_id: str) -> Script[bool]:
    """Whether a task depends on one of its job that has yet to end, as one does that was let run again."""
    wire = yield from find_task(job_id, task_id, select=("id", "state", "dependsOn"))
    if wire is None or wire["state"] != "active":
        return False
    for before in (wire.get("dependsOn") or {}).get("taskIds") or ():
        other = yield from find_task(job_id, before, select=TASK_FIELDS)
        if other is not None and not task_view(other).completed:
            return True
    return False
