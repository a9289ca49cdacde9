"""Having a job: creating it, or finding the one that an earlier try of the same Airflow task has created."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from airflow_batch_provider.client.jobs.outcome import read_outcome
from airflow_batch_provider.client.jobs.repair import (
    NOTHING,
    REPAIRS_MARK,
    Earlier,
    done_by,
    earlier_of,
    reactivate_failed,
)
from airflow_batch_provider.client.requests.job_requests import (
    GONE,
    end_when_done,
    get_job,
    list_tasks,
    patiently,
    terminate_job,
)
from airflow_batch_provider.client.requests.records import JOB_FIELDS, JobView, job_view
from airflow_batch_provider.client.requests.steps import Call, Pause, Refusal, Say, Script
from airflow_batch_provider.exceptions import BatchJobConflictError, BatchJobFailedError
from airflow_batch_provider.spec.compile import JobStorage, compile_job
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.retry import OnRetry

MAX_SUBMISSIONS = 50
"""Jobs of one generation of a task instance: more retries than that are a mistake."""

_ENDING_LOOKS = 30
_ENDING_PAUSE = 2.0
_GOOD_ENDS = ("AllTasksComplete", "JMComplete", "AirflowNothingLeftToRun")
"""Reasons of the end of a job whose tasks may all have done well: the tasks themselves are asked then."""
_LIVE = frozenset({"active", "disabled", "disabling", "enabling"})
FINGERPRINT_MARK = "airflow-fingerprint"
OWNER_MARK = "airflow-owner"
TRY_MARK = "airflow-try"


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
        earlier: what jobs before it have done, so that it does not do it again.
    """

    identity: JobIdentity
    found: Found
    earlier: Earlier = NOTHING

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.identity.job_id


def _nothing_lost(identity: JobIdentity, earlier: Earlier) -> Script[str | None]:
    return None
    yield  # makes it a script


@dataclass(frozen=True)
class Retry:
    """How a try takes up what earlier tries have left.

    Parameters:
        policy: what the author chose.
        attempt: number of this try.
        final_exit_codes: a task that failed with one of these is not run again in a job that lives.
        lost: says why the rest of the graph cannot build on what earlier jobs hold; None: it can.
    """

    policy: OnRetry = "repair"
    attempt: int = 1
    final_exit_codes: frozenset[int] = frozenset()
    lost: Callable[[JobIdentity, Earlier], Script[str | None]] = field(default=_nothing_lost)


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
    retry: Retry = Retry(),
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
        retry: how what earlier tries have left is taken up.

    Raises:
        BatchJobConflictError: the id is taken by another's job, or by one of another graph that still runs.
        Refusal: the service refused the job.
    """
    claiming = _Claiming(options, graph, fingerprint, storage_of, retry)
    last = identity.submission + MAX_SUBMISSIONS
    while identity.submission < last:
        settle(identity)
        claim = yield from claiming.one(identity)
        if claim is not None:
            return claim
        yield Say(f"Batch job {identity.job_id} has ended without success; submitting anew")
        identity = replace(identity, submission=identity.submission + 1)
    raise BatchJobConflictError(
        f"All {MAX_SUBMISSIONS} Batch jobs that this task may submit before it is cleared have failed; the "
        f"last is {identity.job_id}.\nLikely cause: a very large number of retries.\n"
        "Next step: clear the Airflow task, which begins a new series of job ids."
    )


def attached(identity: JobIdentity) -> Script[Claim]:
    """Take up again a job that this try has claimed already.

    Raises:
        BatchJobFailedError: a job whose work it builds on was deleted meanwhile.
    """
    if identity.submission == 1:  # nothing can be before it
        return Claim(identity, Found.ATTACHED)
    job = yield from get_job(identity.job_id)
    earlier = NOTHING if job is None else (yield from earlier_of(identity, job))
    if earlier is None:
        raise BatchJobFailedError(
            f"Batch job {identity.job_id} leaves out what an earlier job had done, and that job is not there "
            "any more.\nLikely cause: a user or a clean-up has deleted it.\n"
            "Next step: let Airflow retry, or clear the task; all tasks run again then.",
            job_id=identity.job_id,
            codes=("JobNotFound",),
            layer="platform",
        )
    return Claim(identity, Found.ATTACHED, earlier)


@dataclass(frozen=True)
class _Claiming:
    options: JobOptions
    graph: JobGraph
    fingerprint: str
    storage_of: Callable[[str], JobStorage | None]
    retry: Retry

    def one(self, identity: JobIdentity) -> Script[Claim | None]:
        """The job of one submission; None when it has ended without success."""
        job_id = identity.job_id
        job: JobView | None = None
        for _ in range(_ENDING_LOOKS):
            # The first submission has nothing to build on, so that it can be created without a look.
            job = None if identity.submission == 1 else (yield from get_job(job_id))
            if job is None:
                earlier = yield from self._to_build_on(identity)
                if (yield from self._create(identity, earlier)):
                    return Claim(identity, Found.CREATED, earlier)
                job = yield from get_job(job_id)
            if job is None:
                continue
            _check_owner(job, identity)
            if job.ended:
                return (yield from self._judge(identity, job))
            if job.state in _LIVE:
                claim = yield from self._attach(identity, job)
                if claim is not None:
                    return claim
            else:
                yield Say(f"Waiting for Batch job {job_id}, which is {job.state}")
            yield Pause(_ENDING_PAUSE)
        waits = job is not None and job.state == "terminating" and self.retry.policy != "restart"
        return (yield from attached(identity)) if waits else None

    def _create(self, identity: JobIdentity, earlier: Earlier) -> Script[bool]:
        marks = {**marks_of(identity, self.fingerprint), TRY_MARK: str(self.retry.attempt)}
        if earlier.jobs:
            marks[REPAIRS_MARK] = str(identity.submission - 1)
        job_id = identity.job_id
        wire = compile_job(self.graph, self.options, self.storage_of(job_id), job_id, marks)
        try:
            yield from patiently(Call("create_job", (wire,)))
        except Refusal as refusal:
            if refusal.code not in ("JobExists", "JobBeingDeleted"):
                raise
            return False
        return True

    def _attach(self, identity: JobIdentity, job: JobView) -> Script[Claim | None]:
        """A job that lives; None when it is being ended instead."""
        tried = (job.marks or {}).get(TRY_MARK, "")
        if self.retry.policy == "restart" and tried != str(self.retry.attempt):
            yield Say(f"Ending Batch job {job.id} of an earlier try, to submit it anew (on_retry='restart')")
            yield from terminate_job(job.id, "AirflowRestart")
            return None
        if (job.marks or {}).get(FINGERPRINT_MARK) != self.fingerprint:
            if not job.ends_by_itself:  # Nobody adds the tasks that it lacks.
                yield from end_when_done(job.id)
            raise _other_tasks(job.id)
        earlier = yield from earlier_of(identity, job)
        if earlier is None:
            yield Say(f"Batch job {job.id} builds on a job that is gone; ending it", "warning")
            yield from terminate_job(job.id, "AirflowEarlierJobGone")
            return None
        if self.retry.policy == "repair" and not self.options.fail_fast:
            yield from reactivate_failed(job.id, self.graph, self.retry.final_exit_codes)
        return Claim(identity, Found.ATTACHED, earlier)

    def _judge(self, identity: JobIdentity, job: JobView) -> Script[Claim | None]:
        if (job.marks or {}).get(FINGERPRINT_MARK) != self.fingerprint or job.reason not in _GOOD_ENDS:
            return None
        earlier = yield from earlier_of(identity, job)
        if earlier is None:
            return None
        outcome = yield from read_outcome(job.id, self.graph, earlier.views, only_graph=False)
        return Claim(identity, Found.SUCCEEDED, earlier) if outcome.succeeded else None

    def _to_build_on(self, identity: JobIdentity) -> Script[Earlier]:
        """What a new job can leave out."""
        if identity.submission == 1 or self.retry.policy != "repair":
            return NOTHING
        before = replace(identity, submission=identity.submission - 1)
        job = yield from get_job(before.job_id)
        earlier = (yield from done_by(before, job)) if job is not None and job.ended else None
        if job is None or earlier is None:
            why = "it, or a job that it builds on, is not there any more"
        elif (job.marks or {}).get(FINGERPRINT_MARK) != self.fingerprint:
            why = "the DAG, its parameters or the job's options were changed since"
        elif any(spec.job_manager is not None for spec in self.graph.specs):
            why = "its job manager adds tasks that are not in the graph"
        elif not earlier.views:
            return NOTHING
        elif (lost := (yield from self.retry.lost(identity, earlier))) is None:
            yield Say(f"Repairing Batch job {before.job_id}: tasks that are done: {len(earlier.views):,}")
            return earlier
        else:
            why = lost
        yield Say(f"Batch job {before.job_id} cannot be repaired, all tasks run again: {why}", "warning")
        return NOTHING


def _check_owner(job: JobView, identity: JobIdentity) -> None:
    if (job.marks or {}).get(OWNER_MARK) == identity.owner:
        return
    raise BatchJobConflictError(
        f"The job id {job.id} is taken by a job that this Airflow task did not submit.\n"
        "Likely cause: something else submitted it, or its metadata was changed.\n"
        "Next step: delete that job, or set namespace= of the operator to get other job ids."
    )


def _other_tasks(job_id: str) -> BatchJobConflictError:
    return BatchJobConflictError(
        f"Batch job {job_id} of an earlier try still runs, and its tasks are not those of the DAG now.\n"
        "Likely cause: the DAG, its parameters or the pool were changed since, or the function that makes "
        "the graph does not return the same each time.\n"
        "Next step: wait for that job or end it, and let Airflow retry; or clear the Airflow task, which "
        "submits a new job and leaves that one alone; or set on_retry='restart', by which a retry ends it."
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
    return (yield from terminate_job(identity.job_id, reason, tries=1))


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
