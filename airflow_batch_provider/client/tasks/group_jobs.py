"""The jobs of a task group: which of them live, which serves a repair, and what is done to single tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from airflow_batch_provider.client.jobs.claim import MAX_SUBMISSIONS, OWNER_MARK
from airflow_batch_provider.client.requests.job_requests import ENDED, list_tasks, patiently, terminate_job
from airflow_batch_provider.client.requests.records import (
    JOB_FIELDS,
    TASK_FIELDS,
    JobView,
    TaskView,
    job_view,
    task_view,
)
from airflow_batch_provider.client.requests.steps import Call, Refusal, Say, Script
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.naming import slug

GRAPH_MARK = "airflow-graph"
"""Metadata of a group's job: hash of the whole group as it is written, whichever part of it the job runs."""

_PREFIX = 10
"""Characters of the DAG's name that every id of its jobs begins with, however long the rest is."""


def live_jobs(owner: JobIdentity) -> Script[list[JobView]]:
    """Jobs of an Airflow task that take tasks, of whichever generation and submission; by one list request.

    Parameters:
        owner: the task instance; its generation and submission do not matter.
    """
    prefix = slug(owner.dag_id, _PREFIX)
    where = "state ne 'completed'" + (f" and startswith(id,'{prefix}')" if prefix else "")
    options = {"filter": where, "select": list(JOB_FIELDS)}
    listed = yield from patiently(Call("list_jobs", (), options, answer="pages"))
    jobs = map(job_view, listed)
    return [job for job in jobs if (job.marks or {}).get(OWNER_MARK) == owner.owner and not job.ending]


def end_jobs(owner: JobIdentity, reason: str) -> Script[list[str]]:
    """Ask for the end of all live jobs of an Airflow task; their end is not waited for.

    Returns:
        Their ids.
    """
    jobs = yield from live_jobs(owner)
    for job in jobs:
        yield from terminate_job(job.id, reason)
    return [job.id for job in jobs]


def job_for_repair(
    identity: JobIdentity, graph_mark: str, wanted: Collection[str]
) -> Script[tuple[str, list[str]] | None]:
    """A job of an earlier generation in which cleared tasks can go on.

    It is alive, runs the group as it is written now, and none of the tasks has succeeded in it, which would
    keep the service from running it again there. None if there is no such job, or one of this generation.

    Parameters:
        identity: of the submission that would be made otherwise.
        graph_mark: hash of the group as it is written now.
        wanted: ids of the tasks that are to run.

    Returns:
        The job's id, and those of the tasks that have failed in it.
    """
    jobs = yield from live_jobs(identity)
    own = {replace(identity, submission=number).job_id for number in range(1, MAX_SUBMISSIONS + 1)}
    if any(job.id in own for job in jobs):
        return None
    for job in jobs:
        if job.state == "active" and (job.marks or {}).get(GRAPH_MARK) == graph_mark:
            listed = yield from list_tasks(job.id, select=TASK_FIELDS)
            failed = _failed(wanted, map(task_view, listed))
            if failed is not None:
                return job.id, failed
    return None


def _failed(wanted: Collection[str], tasks: Iterable[TaskView]) -> list[str] | None:
    views = {view.id.lower(): view for view in tasks}
    found = [views.get(task_id.lower()) for task_id in wanted]
    if any(view is None or view.succeeded for view in found):
        return None
    return [view.id for view in found if view is not None and view.completed]


def reactivate_task(job_id: str, task_id: str) -> Script[bool]:
    """Let a failed task run again in its job.

    Returns:
        Whether it runs again, also if it did so already; no when its job has ended.
    """
    try:
        yield from patiently(Call("reactivate_task", (job_id, task_id)))
    except Refusal as refusal:
        if refusal.code in ENDED or refusal.code == "TaskNotFound":
            return False
        if refusal.code not in ("TaskNotCompleted", "TaskSucceeded"):
            raise
    else:
        yield Say(f"Reactivated Batch task {task_id} of job {job_id}")
    return True


def terminate_task(job_id: str, task_id: str) -> Script[bool]:
    """End one task of a job.

    Returns:
        Whether it was there to be ended.
    """
    try:
        yield Call("terminate_task", (job_id, task_id))
    except Refusal as refusal:
        if refusal.code in ENDED or refusal.code in ("TaskCompleted", "TaskNotFound"):
            return False
        raise
    return True
