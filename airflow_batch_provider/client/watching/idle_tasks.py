"""Why tasks of a job wait, found out once for all who watch single tasks of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from airflow_batch_provider.client.requests.job_requests import count_tasks
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Refusal, Say, Script
from airflow_batch_provider.client.watching.idle_reasons import Reason
from airflow_batch_provider.client.watching.idle_watch import PATIENCE, IdleWatch
from airflow_batch_provider.client.watching.pace import Pace
from airflow_batch_provider.client.watching.polls import TaskSeen, see_task
from airflow_batch_provider.client.watching.ration import Rations, Turns

OTHERS_RUN = Reason("other tasks of its job run, and it comes after them or when a slot is free")


class IdleTasks:
    """Counts a job's tasks by turns while a watched one waits, and asks why if none runs.

    Parameters:
        rations: the counts are taken from these.
    """

    def __init__(self, rations: Rations) -> None:
        self._turns = Turns(rations.counts, Pace(longest=30.0, first=2.0))
        self._idle = IdleWatch()
        self._busy = 0

    def look(self, job: JobView | None, seen: Iterable[TaskSeen]) -> Script[None]:
        """Find out why tasks wait, if any does and it is this job's turn. No look fails of it."""
        if job is None or job.ended or not any(each.waits for each in seen):
            self._idle, self._busy = IdleWatch(), 0
        elif self._turns.due:
            try:
                yield from self._turns.take(self._ask(job))
            except Refusal:
                return

    def _ask(self, job: JobView) -> Script[None]:
        counts = yield from count_tasks(job.id)
        yield from self._idle.look(job, counts)
        self._busy = self._busy + 1 if counts.running and self._idle.has_run else 0

    def told(self, seen: TaskSeen) -> TaskSeen:
        """What was seen of a task, with why it waits if it does and that is known."""
        if not seen.waits:
            return seen
        # One count may be older than the list that shows what runs.
        reason = OTHERS_RUN if self._busy >= PATIENCE else self._idle.reason
        return replace(seen, idle=reason, hopeless=self._idle.is_hopeless)


class Waiting:
    """Says why something does not run: once, and again when the reason has changed.

    Parameters:
        told: what is said before the reason, such as ``Batch task x waits``.
    """

    def __init__(self, told: str) -> None:
        self._told = told
        self._said: Reason | None = None
        self.reason: Reason | None = None
        """Why it does not run now; None when it does, or it is not known."""

    def judge(self, seen: TaskSeen) -> Script[Literal["ended", "unprepared"] | None]:
        """Say the reason if there is a new one, and whether watching is over."""
        if seen.over:
            return "ended"
        self.reason = seen.idle
        if self.reason is not None and self.reason != self._said:
            self._said = self.reason
            yield Say(f"{self._told}: {self.reason}", self.reason.level)
        return "unprepared" if seen.hopeless else None


def see_alone(job_id: str, task_id: str, idle: IdleTasks) -> Script[TaskSeen]:
    """Look at one task by itself, and why it waits."""
    seen = yield from see_task(job_id, task_id)
    yield from idle.look(seen.job, [seen])
    return idle.told(seen)
