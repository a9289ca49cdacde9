"""Repair: what earlier jobs of a task instance have done of its graph is kept, and only the rest runs again.

A job that repairs another says so in its metadata, in the same request that creates it. All else follows
from the jobs themselves, which do not change once they have ended: whoever takes over after a crash reads the
same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from airflow_batch_provider.client.jobs.outcome import is_done
from airflow_batch_provider.client.jobs.reactivation import FAILED, reactivate
from airflow_batch_provider.client.requests.job_requests import (
    ENDED,
    get_job,
    list_tasks,
)
from airflow_batch_provider.client.requests.records import BLOCKING_FIELDS, JobView, TaskView, task_view
from airflow_batch_provider.client.requests.steps import Refusal, Say, Script
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity

REPAIRS_MARK = "airflow-repairs"
"""Name in a job's metadata; its value is the number of the submission whose done tasks are left out."""


@dataclass(frozen=True)
class Earlier:
    """What earlier jobs have done of a graph.

    Parameters:
        jobs: ids of those jobs, oldest first.
        views: the tasks that are done, by their id in lower case.
        homes: ids of the jobs that hold them, by the same.
    """

    jobs: tuple[str, ...] = ()
    views: Mapping[str, TaskView] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)


NOTHING = Earlier()


def earlier_of(identity: JobIdentity, job: JobView) -> Script[Earlier | None]:
    """What a job leaves out, because jobs before it have done it.

    Parameters:
        identity: the job's.
        job: as it was read.

    Returns:
        Nothing for a job that was submitted whole; None when a job that it builds on is gone.
    """
    number = (job.marks or {}).get(REPAIRS_MARK)
    if number is None:
        return NOTHING
    if not number.isdecimal() or int(number) >= identity.submission:
        return None
    before = replace(identity, submission=int(number))
    repaired = yield from get_job(before.job_id)
    if repaired is None or not repaired.ended:
        return None
    return (yield from done_by(before, repaired))


def done_by(identity: JobIdentity, job: JobView) -> Script[Earlier | None]:
    """What a job that has ended and those that it builds on have done.

    Returns:
        None when a job that it builds on is gone.
    """
    base = yield from earlier_of(identity, job)
    if base is None:
        return None
    listed = yield from list_tasks(job.id, where="state eq 'completed'", select=BLOCKING_FIELDS)
    views = {view.id.lower(): view for view in (task_view(wire) for wire in listed if is_done(wire))}
    return Earlier(
        (*base.jobs, job.id), {**base.views, **views}, {**base.homes, **dict.fromkeys(views, job.id)}
    )


def reactivate_failed(job_id: str, graph: JobGraph, final_exit_codes: Collection[int] = ()) -> Script[int]:
    """Let the failed tasks of a job that lives run again, where the service allows it.

    Not those that further tasks become known by: the job may end by itself before these can be added.

    Parameters:
        job_id: the job.
        graph: as it was submitted first; what was added later is left as it is.
        final_exit_codes: a task that failed with one of these stays as it is.

    Returns:
        How many were asked for.
    """
    listed = yield from list_tasks(job_id, where=FAILED, select=BLOCKING_FIELDS)
    views = [task_view(wire) for wire in listed if not is_done(wire)]
    tellers = {expansion.after for expansion in graph.expansions}
    failed = [
        view.id
        for view in views
        if view.exit_code not in final_exit_codes and graph.has(view.id) and view.id not in tellers
    ]
    if not failed:
        return 0
    try:
        yield from reactivate(job_id, failed, missing_ok=True)
    except Refusal as refusal:
        if refusal.code not in ENDED:
            raise
        return 0
    yield Say(f"Tasks that had failed run again in Batch job {job_id}: {len(failed):,}")
    return len(failed)
