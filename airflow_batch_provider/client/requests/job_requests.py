"""The single requests that scripts are made of, each with its retries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_batch_provider.client.requests.records import (
    JOB_FIELDS,
    TASK_FIELDS,
    JobView,
    TaskCounts,
    TaskView,
    job_view,
    task_counts,
    task_view,
)
from airflow_batch_provider.client.requests.steps import Call, Pause, Refusal, Script, Send

TRIES = 6
LONGEST_PAUSE = 60.0
"""Seconds. A service that asks for more by Retry-After is asked sooner; if it refuses, Airflow retries."""

GONE = frozenset({"JobNotFound", "ResourceNotFound"})
ENDED = frozenset({"JobCompleted", "JobBeingTerminated", "JobBeingDeleted", "JobNotFound"})
"""Codes by which a job says that it takes no more tasks."""


def backoff(attempt: int, retry_after: float | None = None) -> float:
    """Seconds to wait before the next try: what the service asks for, else 1, 2, 4, ... at most 60."""
    return min(LONGEST_PAUSE, retry_after if retry_after is not None else 2.0**attempt)


def patiently(call: Call | Send, tries: int = TRIES) -> Script[Any]:
    """A call, tried again while the service is busy or not reachable, at most six times.

    Raises:
        Refusal: refused for another reason, or still after the last try.
    """
    for attempt in range(tries):
        try:
            return (yield call)
        except Refusal as refusal:
            if not refusal.transient or attempt == tries - 1:
                raise
            yield Pause(backoff(attempt, refusal.retry_after))
    raise AssertionError("unreachable")


def get_job(job_id: str) -> Script[JobView | None]:
    """A job, or None when it does not exist."""
    try:
        wire = yield from patiently(Call("get_job", (job_id,), {"select": list(JOB_FIELDS)}))
    except Refusal as refusal:
        if refusal.code in GONE:
            return None
        raise
    return job_view(wire)


def get_task(job_id: str, task_id: str) -> Script[TaskView]:
    """A task."""
    wire = yield from patiently(Call("get_task", (job_id, task_id), {"select": list(TASK_FIELDS)}))
    return task_view(wire)


def find_task(
    job_id: str, task_id: str, *, select: Sequence[str] = TASK_FIELDS
) -> Script[dict[str, Any] | None]:
    """A task in wire form, or None when there is none or no such job.

    Parameters:
        job_id, task_id: the task.
        select: the properties to ask for.
    """
    try:
        wire = yield from patiently(Call("get_task", (job_id, task_id), {"select": list(select)}))
    except Refusal as refusal:
        if refusal.code in GONE or refusal.code == "TaskNotFound":
            return None
        raise
    return dict(wire)


def in_motion(since: str = "") -> str:
    """OData filter for the tasks that run or have completed.

    Parameters:
        since: of the completed ones only those that did so at this time or later; empty for all.
    """
    newly = f" and stateTransitionTime ge DateTime'{since}'" if since else ""
    return f"(state eq 'running' or (state eq 'completed'{newly}))"


def list_tasks(
    job_id: str, *, where: str | None = None, select: Sequence[str] = TASK_FIELDS, whole: bool = True
) -> Script[list[Any]]:
    """Tasks of a job in wire form.

    Parameters:
        job_id: the job.
        where: OData filter (Azure Batch: *Efficient list queries*).
        select: the properties to ask for.
        whole: all of them; else the first page, a thousand at most.
    """
    options: dict[str, Any] = {"select": list(select)}
    if where:
        options["filter"] = where
    listed: list[Any] = yield from patiently(
        Call("list_tasks", (job_id,), options, answer="pages" if whole else "page")
    )
    return listed


def count_tasks(job_id: str) -> Script[TaskCounts]:
    """How many tasks of a job are in which state."""
    return task_counts((yield from patiently(Call("get_job_task_counts", (job_id,)))))


def end_when_done(job_id: str, *, tries: int = TRIES) -> Script[None]:
    """Let a job end by itself when all its tasks are complete: to be asked for when the last one is in.

    Parameters:
        job_id: the job; one that has no task ends at once.
        tries: as for :func:`terminate_job`.
    """
    try:
        yield from patiently(Call("update_job", (job_id, {"onAllTasksComplete": "terminatejob"})), tries)
    except Refusal as refusal:
        if refusal.code not in ENDED:
            raise


def terminate_job(job_id: str, reason: str, *, tries: int = TRIES) -> Script[bool]:
    """Ask for the end of a job; its end is not waited for.

    Parameters:
        job_id: the job.
        reason: shown as its terminate reason.
        tries: how often a service that is busy is asked; 1 for whoever has no time to wait.

    Returns:
        Whether it was still there to be ended.
    """
    try:
        yield from patiently(Send("POST", f"/jobs/{job_id}/terminate", {"terminateReason": reason}), tries)
    except Refusal as refusal:
        if refusal.code in ENDED:
            return False
        raise
    return True
