"""Where the Batch task of a group's member is to be waited for: in the group's job, or in one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.client.jobs.outcome import Outcome, judge, judge_one
from airflow_batch_provider.client.requests.job_requests import find_task, get_job
from airflow_batch_provider.client.requests.records import TASK_FIELDS, JobView, TaskView, task_view
from airflow_batch_provider.client.requests.steps import Say, Script
from airflow_batch_provider.client.tasks.group_jobs import reactivate_task, terminate_task
from airflow_batch_provider.spec.graph import JobGraph


@dataclass(frozen=True)
class Attempt:
    """A try of a member.

    Parameters:
        task_id: its Batch task.
        job_id: the job of the group's last submission; None when that had nothing to run.
        first: it is the first try since the group was submitted: whatever becomes of the Batch task there is
            what this try answers for.
        cleared: the member was cleared after the group was submitted: what succeeded before does not count.
        same_graph: the group is written as it was when it was submitted.
        last_job: gives the job in which another member has succeeded; None if it has not.
    """

    task_id: str
    job_id: str | None
    first: bool
    cleared: bool
    same_graph: bool
    last_job: Callable[[str], str | None]


def find_place(attempt: Attempt) -> Script[str | None]:
    """Choose the job in which a member's Batch task is waited for; let it run again there if need be.

    Returns:
        The group's job, or None when the task must run in a job of its own.
    """
    job_id, task_id = attempt.job_id, attempt.task_id
    if job_id is None:
        return None
    wire = yield from find_task(job_id, task_id, select=(*TASK_FIELDS, "dependsOn"))
    if wire is None:
        return None
    task = task_view(wire)
    if task.succeeded:
        return None if attempt.cleared else job_id
    job = yield from get_job(job_id)
    alive = job is not None and not job.ending
    moved = _waits_in_vain(wire, task, attempt)
    if moved is not None:
        yield Say(f"Batch task {task_id} cannot go on in job {job_id}: {moved} has run elsewhere")
    elif attempt.first and not attempt.cleared:
        return job_id
    elif alive and attempt.same_graph:
        return (yield from _again(job_id, task))
    if alive and not task.completed:
        yield from terminate_task(job_id, task_id)
    return None


def _again(job_id: str, task: TaskView) -> Script[str | None]:
    if not task.completed:
        return job_id
    reactivated = yield from reactivate_task(job_id, task.id)
    return job_id if reactivated else None


def _waits_in_vain(wire: dict[str, Any], task: TaskView, attempt: Attempt) -> str | None:
    """A task it depends on that Airflow has as succeeded, and that did not do so in this job."""
    if task.state not in ("active", "completed") or (task.completed and task.code != "TaskEnded"):
        return None
    before = (wire.get("dependsOn") or {}).get("taskIds") or ()
    return next((each for each in before if attempt.last_job(each) != attempt.job_id), None)


@dataclass(frozen=True)
class Fate:
    """What became of a task.

    Parameters:
        job_id, task_id: the task.
        job: its job; None when that was deleted.
        task: the task; None when it was deleted.
    """

    job_id: str
    task_id: str
    job: JobView | None
    task: TaskView | None

    @property
    def pending(self) -> bool:
        """Whether it may still run."""
        alive = self.job is not None and not self.job.ended
        return alive and self.task is not None and not self.task.completed


def read_fate(job_id: str, task_id: str) -> Script[Fate]:
    """Ask what became of a task."""
    job = yield from get_job(job_id)
    wire = yield from find_task(job_id, task_id)
    return Fate(job_id, task_id, job, None if wire is None else task_view(wire))


def judge_fate(fate: Fate, graph: JobGraph) -> Outcome:
    """The outcome of a member's task, whatever else is in its job.

    Parameters:
        fate: what became of it.
        graph: of this one task, which tells the exit codes that it reckons with.
    """
    if fate.job is None or fate.task is None:
        return judge_one(fate.job_id, fate.job, fate.task_id, None)
    return judge(fate.job, graph, [fate.task])
