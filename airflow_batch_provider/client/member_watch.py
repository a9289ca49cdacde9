"""Watching single tasks of a job: one request for all that are watched, however many they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from airflow_batch_provider.client.job_requests import find_task, in_motion, list_tasks
from airflow_batch_provider.client.outage import Outage
from airflow_batch_provider.client.records import TASK_FIELDS, JobView, TaskView, task_view
from airflow_batch_provider.client.steps import Look, Refusal, Say, Script
from airflow_batch_provider.client.streams import Follower

MemberEnding: TypeAlias = Literal["ended", "timeout"]
"""Why watching stopped: the task or its job has ended or is gone, or the operator's time is over."""

_LISTED = (*TASK_FIELDS, "stateTransitionTime")
_WHOLE_EVERY = 10
"""Every tenth list is of all completed tasks: one that a list has missed must not be waited for for ever."""


@dataclass(frozen=True)
class TaskSeen:
    """A task as a look has seen it.

    Parameters:
        job: its job; None when that does not exist.
        task: the task if it runs or has completed lately; None when there is nothing new of it.
    """

    job: JobView | None
    task: TaskView | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of the task."""
        gone = self.job is None or self.job.ended
        return gone or (self.task is not None and self.task.completed)


class TasksPoll:
    """Looks at the watched tasks of one job by one request.

    It lists what runs and what has completed since the last look. Whoever was not watched then may have
    completed before: for newcomers all completed tasks are listed.

    Parameters:
        job_id: the job.
    """

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self._since = ""
        self._known: frozenset[str] = frozenset()
        self._looks = 0

    def look(self, ids: Collection[str]) -> Script[dict[str, TaskView]]:
        """Look at tasks.

        Parameters:
            ids: the tasks that are watched now.

        Returns:
            A view of each of them that runs or has completed, by its id in lower case.
        """
        if len(ids) == 1:
            self._known = frozenset()
            wire = yield from find_task(self.job_id, next(iter(ids)))
            return {} if wire is None else {wire["id"].lower(): task_view(wire)}
        wanted = frozenset(task_id.lower() for task_id in ids)
        self._looks += 1
        known = wanted <= self._known and self._looks % _WHOLE_EVERY != 0
        where = in_motion(self._since if known else "")
        listed = yield from list_tasks(self.job_id, where=where, select=_LISTED)
        self._known = wanted
        self._since = max([self._since, *(str(item.get("stateTransitionTime") or "") for item in listed)])
        return {item["id"].lower(): task_view(item) for item in listed if item["id"].lower() in wanted}


@dataclass(frozen=True)
class MemberWatch:
    """What is watched for.

    Parameters:
        job_id, task_id: the task.
        deadline: seconds since the epoch after which watching ends.
    """

    job_id: str
    task_id: str
    deadline: float | None = None


def watch_member(watch: MemberWatch, follower: Follower, now: Callable[[], float]) -> Script[MemberEnding]:
    """Watch a task until it has ended; say its output meanwhile.

    A look that fails is told once and made again: a healthy task does not fail because nobody could see it.
    Looks are answered by a :class:`TaskSeen`.

    Parameters:
        watch: what is watched for.
        follower: says the task's output.
        now: the time in seconds since the epoch.
    """
    outage = Outage("task")
    started = False
    while True:
        try:
            seen: TaskSeen = yield Look(watch.job_id)
        except Refusal as refusal:
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
            if not started and seen.task is not None and seen.task.node_id is not None:
                started = True
                yield Say(f"Batch task {watch.task_id} has started on node {seen.task.node_id}")
            if seen.task is not None:
                yield from follower.follow(seen.task)
            if seen.over:
                return "ended"
        if watch.deadline is not None and now() > watch.deadline:
            return "timeout"
