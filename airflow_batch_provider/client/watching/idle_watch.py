"""Telling why no task of a job runs, while it is watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_batch_provider.client.requests.records import JobView, TaskCounts
from airflow_batch_provider.client.requests.steps import Call, Glance, Refusal, Say, Script, Together
from airflow_batch_provider.client.watching.idle_reasons import (
    TASK_PROPERTIES,
    IdleJob,
    PreparationView,
    Reason,
    WaitingTask,
    pool_lets_tasks_run,
    why_idle,
)
from airflow_batch_provider.client.watching.subjects import PoolSubject

PATIENCE = 2
"""Counts in a row that show nothing running before a reason is asked for: tasks are placed within seconds."""

LASTING = 3
"""Counts in a row that show a lasting reason before the job is given up: a node may just be made anew."""


class IdleWatch:
    """Says why nothing runs: once, and again when the reason has changed.

    Costs nothing while tasks run. Otherwise the pool is asked, once for all jobs on it that wait; and only
    when nothing is wrong there, the job's own tasks.
    """

    def __init__(self) -> None:
        self._idle = 0
        self.has_run = False
        """Whether a task is known to run, or to have run."""
        self._said: Reason | None = None
        self._lasting = 0
        self.reason: Reason | None = None
        """Why nothing runs now; None when something does, or it is not known."""

    @property
    def is_hopeless(self) -> bool:
        """Whether no task of the job will ever run."""
        return self._lasting >= LASTING

    def tell(self, job: JobView, counts: TaskCounts) -> Script[None]:
        """Say the reason if there is a new one."""
        yield from self.look(job, counts)
        if self.reason is not None and self.reason != self._said:
            yield Say(f"No task runs{'' if self.has_run else ' yet'}: {self.reason}", self.reason.level)
            self._said = self.reason

    def look(self, job: JobView, counts: TaskCounts) -> Script[None]:
        """Look for the reason if there is one to look for. Whatever goes wrong, no job fails of it."""
        self.has_run = self.has_run or bool(counts.completed)
        # A task that waits for the preparation of its node is counted as running.
        waits = not self.has_run if counts.running else bool(counts.active)
        self._idle = self._idle + 1 if waits else 0
        if self._idle < PATIENCE or job.pool_id is None:
            self.reason, self._lasting = None, 0
            return
        try:
            reason = yield from self._on_nodes(job) if counts.running else self._for_nodes(job)
        except Refusal:
            return
        self.reason = reason
        self._lasting = self._lasting + 1 if reason is not None and reason.lasting else 0

    def _for_nodes(self, job: JobView) -> Script[Reason | None]:
        seen = yield Glance(PoolSubject(job.pool_id or "", nodes=True))
        idle = IdleJob(job, seen)
        if not pool_lets_tasks_run(idle):
            return why_idle(idle)
        preparations, tasks = yield from _details(job, "state ne 'completed'")
        return why_idle(replace(idle, preparations=preparations, tasks=tasks))

    def _on_nodes(self, job: JobView) -> Script[Reason | None]:
        preparations, tasks = yield from _details(job, "state eq 'running'")
        self.has_run = bool(tasks)
        return None if tasks else why_idle(IdleJob(job, preparations=preparations, placed=True))


def _details(job: JobView, which: str) -> Script[tuple[list[PreparationView], list[WaitingTask]]]:
    options = {"filter": which, "select": list(TASK_PROPERTIES)}
    prepared, tasks = yield Together(
        [
            Call("list_job_preparation_and_release_task_status", (job.id,), answer="pages"),
            # A thousand tasks tell the reason as well as all do.
            Call("list_tasks", (job.id,), options, answer="page"),
        ]
    )
    return [PreparationView.read(each) for each in _items(prepared)], [
        WaitingTask.read(each) for each in _items(tasks)
    ]


def _items(answer: Any) -> list[Any]:
    # A job without a preparation task refuses to tell of it.
    return [] if isinstance(answer, Refusal) else answer
