"""Having a job: creating it, or finding the one that an earlier try of the same Airflow task has created."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from airflow_batch_provider.client.job_requests import (
    GONE,
    get_job,
    list_tasks,
    patiently,
    terminate_job,
)
from airflow_batch_provider.client.outcome import read_outcome
from airflow_batch_provider.client.records import JOB_FIELDS, JobView, job_view
from airflow_batch_provider.client.steps import Call, Pause, Refusal, Say, Script
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec.compile import JobStorage, compile_job
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions

MAX_SUBMISSIONS = 50
"""Jobs of one generation of a task instance: more retries than that are a mistake."""

_ENDING_LOOKS = 30
_ENDING_PAUSE = 2.0
_GOOD_ENDS = ("AllTasksComplete", "JMComplete", "AirflowNothingLeftToRun")
"""Reasons of the end of a job whose tasks may all have done well: the tasks themselves are asked then."""
FINGERPRINT_MARK = "airflow-fingerprint"
OWNER_MARK = "airflow-owner"


class Found(str, Enum):
    """How a job was come by."""

    CREATED = "created"
    ATTACHED = "attached"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True)
class Claim:
    """A job that is this task's.

    Parameters:
        identity: with the submission number that was settled on.
        found: whether it was created now, was running already, or had succeeded already.
    """

    identity: JobIdentity
    found: Found

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.identity.job_id


def marks_of(identity: JobIdentity, fingerprint: str) -> dict[str, str]:
    """The metadata by which a job is known again, and by which people find the Airflow task."""
    marks = {
        OWNER_MARK: identity.owner,
        FINGERPRINT_MARK: fingerprint,
        "airflow-dag": identity.dag_id,
        "airflow-run": identity.run_id,
        "airflow-task": identity.task_id,
    }
    if identity.map_index >= 0:
        marks["airflow-map-index"] = str(identity.map_index)
    return marks


def claim_job(
    identity: JobIdentity,
    options: JobOptions,
    graph: JobGraph,
    fingerprint: str,
    settle: Callable[[JobIdentity], None] = lambda identity: None,
    storage_of: Callable[[str], JobStorage | None] = lambda job_id: None,
) -> Script[Claim]:
    """Create the job, or attach to the one that is there.

    A job of the same id and fingerprint is attached to while it lives, and taken as done if it succeeded.
    One that ended otherwise is left alone, and the next submission number is tried.

    Parameters:
        identity: the Airflow task instance, with the submission number to begin with.
        options: the job's options.
        graph: the graph, whose tasks a finished job must have.
        fingerprint: of what is submitted.
        settle: called with each identity before its job is asked for, to be remembered in time.
        storage_of: gives the storage of a job by its id; None: there is none.

    Raises:
        BatchJobConflictError: the id is taken by another's job, or by one of another graph that still runs.
        Refusal: the service refused the job.
    """
    last = identity.submission + MAX_SUBMISSIONS
    while identity.submission < last:
        settle(identity)
        job_id, marks = identity.job_id, marks_of(identity, fingerprint)
        wire = compile_job(graph, options, storage_of(job_id), job_id, marks)
        found = yield from _claim_one(identity, wire, graph, fingerprint)
        if found is not None:
            return Claim(identity, found)
        yield Say(f"Batch job {identity.job_id} has ended without success; submitting anew")
        identity = replace(identity, submission=identity.submission + 1)
    raise BatchJobConflictError(
        f"All {MAX_SUBMISSIONS} Batch jobs that this task may submit before it is cleared have failed; the "
        f"last is {identity.job_id}.\nLikely cause: a very large number of retries.\n"
        "Next step: clear the Airflow task, which begins a new series of job ids."
    )


def _claim_one(
    identity: JobIdentity, wire: Mapping[str, Any], graph: JobGraph, fingerprint: str
) -> Script[Found | None]:
    job_id = identity.job_id
    for _ in range(_ENDING_LOOKS):
        try:
            yield from patiently(Call("create_job", (wire,)))
        except Refusal as refusal:
            if refusal.code not in ("JobExists", "JobBeingDeleted"):
                raise
        else:
            return Found.CREATED
        job = yield from get_job(job_id)
        if job is None:
            continue
        _check_owner(job, identity)
        if job.state == "active" or job.state in ("disabled", "disabling", "enabling"):
            _check_fingerprint(job, fingerprint)
            return Found.ATTACHED
        if job.ended:
            return (yield from _judge(job, graph, fingerprint))
        yield Say(f"Waiting for Batch job {job_id}, which is {job.state}")
        yield Pause(_ENDING_PAUSE)
    return Found.ATTACHED if job is not None and job.state == "terminating" else None


def _judge(job: JobView, graph: JobGraph, fingerprint: str) -> Script[Found | None]:
    if (job.marks or {}).get(FINGERPRINT_MARK) != fingerprint or job.reason not in _GOOD_ENDS:
        return None
    outcome = yield from read_outcome(job.id, graph, only_graph=False)
    return Found.SUCCEEDED if outcome.succeeded else None


def _check_owner(job: JobView, identity: JobIdentity) -> None:
    if (job.marks or {}).get(OWNER_MARK) == identity.owner:
        return
    raise BatchJobConflictError(
        f"The job id {job.id} is taken by a job that this Airflow task did not submit.\n"
        "Likely cause: something else submitted it, or its metadata was changed.\n"
        "Next step: delete that job, or set namespace= of the operator to get other job ids."
    )


def _check_fingerprint(job: JobView, fingerprint: str) -> None:
    if (job.marks or {}).get(FINGERPRINT_MARK) == fingerprint:
        return
    raise BatchJobConflictError(
        f"Batch job {job.id} of an earlier try still runs, and its tasks are not those of the DAG now.\n"
        "Likely cause: the DAG, its parameters or the pool were changed since, or the function that makes "
        "the graph does not return the same each time.\n"
        "Next step: wait for that job or end it, and let Airflow retry; or clear the Airflow task, which "
        "submits a new job and leaves that one alone."
    )


def terminate_own(identity: JobIdentity, reason: str) -> Script[bool]:
    """Ask for the end of a job if it is there and this task's; its end is not waited for.

    Returns:
        Whether it was.
    """
    # Asked once and not patiently: whoever kills a task does not wait.
    try:
        job = job_view((yield Call("get_job", (identity.job_id,), {"select": list(JOB_FIELDS)})))
    except Refusal as refusal:
        if refusal.code in GONE:
            return False
        raise
    if job.ending or (job.marks or {}).get(OWNER_MARK) != identity.owner:
        return False
    return (yield from terminate_job(identity.job_id, reason))


def existing_ids(job_id: str, claim: Claim) -> Script[frozenset[str]]:
    """Lower-case ids of the tasks that are in the job already; a job created now is not asked."""
    if claim.found is Found.CREATED:
        return frozenset()
    listed = yield from list_tasks(job_id, select=("id",))
    return frozenset(item["id"].lower() for item in listed)


def describe(claim: Claim) -> str:
    """A line for the log about how the job was come by."""
    words = {
        Found.CREATED: "Submitted Batch job",
        Found.ATTACHED: "Attached to Batch job of an earlier try,",
        Found.SUCCEEDED: "An earlier try has finished Batch job",
    }
    return f"{words[claim.found]} {claim.job_id}"
