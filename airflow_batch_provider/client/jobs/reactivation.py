"""Letting tasks that failed run again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from airflow_batch_provider.client.requests.job_requests import TRIES, backoff, list_tasks
from airflow_batch_provider.client.requests.steps import Call, Pause, Refusal, Say, Script, Together
from airflow_batch_provider.spec.limits import TASKS_PER_REQUEST

_NO_NEED = {"TaskNotCompleted": "has not completed", "TaskSucceeded": "has succeeded"}
FAILED = "state eq 'completed' and executionInfo/result eq 'failure'"


def failed_tasks(job_id: str) -> Script[list[str]]:
    """Ids of the tasks of a job that have failed."""
    listed = yield from list_tasks(job_id, where=FAILED, select=("id",))
    return [item["id"] for item in listed]


def reactivate(job_id: str, task_ids: Collection[str], *, missing_ok: bool = False) -> Script[list[str]]:
    """Let tasks run again; one that needs it no more, as after an earlier try, is told and left alone.

    Their retries begin anew (Azure Batch REST reference: *Reactivate task*).

    Parameters:
        job_id: a job that has not ended.
        task_ids: the tasks.
        missing_ok: whether a task that does not exist any more is left out like one that needs it no more.

    Returns:
        The ids of those that run again now.

    Raises:
        Refusal: the job has ended, a task does not exist, or the service kept failing.
    """
    again: list[str] = []
    waiting = list(task_ids)
    no_need = {**_NO_NEED, "TaskNotFound": "does not exist any more"} if missing_ok else _NO_NEED
    for start in range(0, len(waiting), TASKS_PER_REQUEST):
        again += yield from _some(job_id, waiting[start : start + TASKS_PER_REQUEST], no_need)
    return again


def _some(job_id: str, waiting: list[str], no_need: Mapping[str, str]) -> Script[list[str]]:
    again: list[str] = []
    for attempt in range(TRIES):
        answers = yield Together([Call("reactivate_task", (job_id, task_id)) for task_id in waiting])
        busy: list[str] = []
        wait: float | None = None
        for task_id, answer in zip(waiting, answers, strict=True):
            if not isinstance(answer, Refusal):
                again.append(task_id)
            elif answer.code in no_need:
                yield Say(f"Task {task_id} {no_need[answer.code]}: it is left as it is")
            elif answer.transient and attempt < TRIES - 1:
                busy.append(task_id)
                wait = max(wait or 0.0, answer.retry_after or 0.0) or None
            else:
                raise answer
        if not busy:
            break
        waiting = busy
        yield Pause(backoff(attempt, wait))
    return again
