"""What a look at many jobs, or at many tasks of a job, asks of the service: one list for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile

from airflow_batch_provider.client.requests.job_requests import (
    find_task,
    get_job,
    in_motion,
    list_tasks,
    patiently,
)
from airflow_batch_provider.client.requests.records import TASK_FIELDS, JobView, TaskView, job_view, task_view
from airflow_batch_provider.client.requests.steps import Call, Script
from airflow_batch_provider.client.watching.idle_reasons import Reason

WHOLE_EVERY = 10
"""Looks after which nothing is taken for granted that a list did not show."""

_JOB_FIELDS = ("id", "state", "executionInfo")
_TASK_FIELDS = (*TASK_FIELDS, "stateTransitionTime")


class JobsPoll:
    """Looks at many jobs by one list: of those that live, and of those that have ended since the last look.

    What is not in the list has ended before, was deleted, or is too young for it, and is asked for by itself;
    once that has said that there is no such job, only now and then. The list is bounded by the account's
    quota of active jobs, whatever the number of jobs watched or of their tasks.
    """

    def __init__(self) -> None:
        self._since = ""
        self._missing: frozenset[str] = frozenset()
        self._looks = 0

    def look(self, ids: Collection[str]) -> Script[dict[str, JobView | None]]:
        """Look at jobs.

        Parameters:
            ids: the jobs.

        Returns:
            A view of each; None for those that do not exist.
        """
        listed = (yield from self._list(ids)) if len(ids) > 1 else {}
        self._looks += 1
        missing = self._missing if self._looks % WHOLE_EVERY else frozenset()
        views: dict[str, JobView | None] = {}
        for job_id in ids:
            views[job_id] = listed.get(job_id.lower())
            if views[job_id] is None and job_id not in missing:
                views[job_id] = yield from get_job(job_id)
        self._missing = frozenset(job_id for job_id, view in views.items() if view is None)
        # Also what ends and is not watched moves the moment on, so that the list does not grow by it.
        seen = (*listed.values(), *filter(None, views.values()))
        self._since = max([self._since, *(view.ended_at or "" for view in seen)])
        return views

    def _list(self, ids: Iterable[str]) -> Script[dict[str, JobView]]:
        prefix = common_prefix(ids)
        lately = f" or executionInfo/endTime ge DateTime'{self._since}'" if self._since else ""
        where = f"(state ne 'completed'{lately})" + (f" and startswith(id,'{prefix}')" if prefix else "")
        options = {"filter": where, "select": list(_JOB_FIELDS)}
        listed = yield from patiently(Call("list_jobs", (), options, answer="pages"))
        return {item["id"].lower(): job_view(item) for item in listed}


@dataclass(frozen=True)
class TaskSeen:
    """A task as a look has seen it.

    Parameters:
        job: its job; None when that does not exist.
        task: the task if it runs or has completed lately; None when there is nothing new of it.
        gone: whether there is no such task.
        idle: why it does not run; None when it does, or when that is not known.
        hopeless: whether it never will.
        asked: whether the look asked for the task, and not for its job alone.
    """

    job: JobView | None
    task: TaskView | None = None
    gone: bool = False
    idle: Reason | None = None
    hopeless: bool = False
    asked: bool = True

    @property
    def waits(self) -> bool:
        """Whether it is still to run."""
        return not self.over and (self.task is None or self.task.state != "running")

    @property
    def over(self) -> bool:
        """Whether nothing more will come of the task."""
        gone = self.gone or self.job is None or self.job.ended
        return gone or (self.task is not None and self.task.completed)


class TasksPoll:
    """Looks at the watched tasks of one job by one request.

    It lists what runs and what has completed since the last look. Whoever was not watched then may have
    completed before: for newcomers all completed tasks are listed. What is in no list waits or was deleted:
    now and then one such task, another each time, is asked for by itself.

    Parameters:
        job_id: the job.
    """

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self._since = ""
        self._known: frozenset[str] = frozenset()
        self._looks = 0

    def look(self, job: JobView | None, ids: Collection[str]) -> Script[dict[str, TaskSeen]]:
        """Look at tasks.

        Parameters:
            job: their job as it was seen.
            ids: the tasks that are watched now.

        Returns:
            What was seen, by id.
        """
        if len(ids) == 1:
            self._known = frozenset()
            (task_id,) = ids
            wire = yield from find_task(self.job_id, task_id)
            return {task_id: TaskSeen(job, task_view(wire)) if wire else TaskSeen(job, gone=True)}
        wanted = frozenset(task_id.lower() for task_id in ids)
        self._looks += 1
        turn, rest = divmod(self._looks, WHOLE_EVERY)
        known = wanted <= self._known and rest != 0
        where = in_motion(self._since if known else "")
        listed = yield from list_tasks(self.job_id, where=where, select=_TASK_FIELDS)
        self._known = wanted
        self._since = max([self._since, *(str(item.get("stateTransitionTime") or "") for item in listed)])
        views = {item["id"].lower(): task_view(item) for item in listed}
        unseen = [task_id for task_id in ids if task_id.lower() not in views]
        asked = unseen[turn % len(unseen)] if unseen and rest == 0 else None
        gone = asked is not None and (yield from find_task(self.job_id, asked)) is None
        return {
            task_id: TaskSeen(job, views.get(task_id.lower()), gone=gone and task_id == asked)
            for task_id in ids
        }


def see_task(job_id: str, task_id: str) -> Script[TaskSeen]:
    """Look at one task by itself."""
    job = yield from get_job(job_id)
    seen = yield from TasksPoll(job_id).look(job, [task_id])
    return seen[task_id]


def common_prefix(ids: Iterable[str]) -> str:
    """What all ids begin with."""
    columns = zip(*ids, strict=False)
    return "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))
