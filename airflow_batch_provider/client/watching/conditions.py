"""When a sensor's wait is over: what was seen goes in, a reading comes out. Pure.

A condition is plain data: it goes to the triggerer as a dictionary and is made again from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from airflow_batch_provider.client.pools.pool_reading import READY, Observation, judge
from airflow_batch_provider.client.requests.failures import task_failure
from airflow_batch_provider.client.requests.records import TaskView
from airflow_batch_provider.client.requests.request_errors import request_failure
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.watching.subjects import (
    BlobsSeen,
    BlobSubject,
    JobSeen,
    JobSubject,
    PoolSubject,
    TaskSubject,
)
from airflow_batch_provider.spec.explain import Explanation

BLOBS_RETURNED = 1_000
"""Names that a sensor returns; with more, tasks list the prefix themselves."""


@dataclass(frozen=True)
class Reading:
    """What a look says of a wait.

    Parameters:
        status: ``wait`` on, ``met``, or ``failed``: it cannot come any more.
        line: for the log, while waiting.
        value: what the sensor returns.
        explanation: of a failure.
    """

    status: Literal["wait", "met", "failed"]
    line: str = ""
    value: Any = None
    explanation: Explanation | None = None


def _wait(line: str) -> Reading:
    return Reading("wait", line)


def _failed(happened: str, cause: str, next_step: str) -> Reading:
    return Reading("failed", explanation=Explanation(happened, cause, next_step))


def _missing(what: str, may_be_missing: bool) -> Reading:
    if may_be_missing:
        return _wait(f"{what} does not exist yet")
    return _failed(
        f"{what} does not exist.",
        "The id is misspelled, it was deleted, or it is made later.",
        "Correct the id; if it is made later, say may_be_missing=True.",
    )


@dataclass(frozen=True)
class JobCondition:
    """A job has ended.

    Parameters:
        job_id: the job.
        expect: ``success``: and none of its tasks has failed; ``end``: however it went.
        may_be_missing: wait for a job that does not exist yet.
    """

    kind: ClassVar[str] = "job"
    job_id: str
    expect: Literal["success", "end"] = "success"
    may_be_missing: bool = False

    @property
    def subject(self) -> JobSubject:
        """What is looked at."""
        return JobSubject(self.job_id)

    def judge(self, seen: JobSeen) -> Reading:
        """Read a look."""
        job, counts = seen.job, seen.counts
        if job is None:
            return _missing(f"Batch job {self.job_id}", self.may_be_missing)
        if not job.ended:
            return _wait(f"Batch job {job.id} is {job.state}")
        failed = counts.failed if counts else 0
        unfinished = counts.total - counts.completed if counts else 0
        bad = failed or unfinished or job.reason in ("TaskFailed", "MaxWallClockTimeExpiry")
        if bad and self.expect == "success":
            return _failed(
                f"Batch job {job.id} has ended with {job.reason or 'no reason'}: of its tasks {failed} "
                f"failed and {unfinished} never ran to their end.",
                "A task's command failed, or the job was ended early.",
                "Look at the job's tasks; if failures do not matter here, say expect='end'.",
            )
        tasks = {"total": counts.total, "succeeded": counts.succeeded, "failed": failed} if counts else {}
        return Reading("met", value={"job_id": job.id, "reason": job.reason, "tasks": tasks})


@dataclass(frozen=True)
class TaskCondition:
    """A task of a job has started or ended.

    Parameters:
        job_id, task_id: the task.
        expect: ``success``; ``end``: however it went; ``start``: it runs, or has run already.
        may_be_missing: wait for a task that does not exist yet.
    """

    kind: ClassVar[str] = "task"
    job_id: str
    task_id: str
    expect: Literal["success", "end", "start"] = "success"
    may_be_missing: bool = False

    @property
    def subject(self) -> TaskSubject:
        """What is looked at."""
        return TaskSubject(self.job_id, self.task_id)

    def judge(self, seen: TaskView | None) -> Reading:
        """Read a look."""
        name = f"Batch task {self.task_id} of job {self.job_id}"
        if seen is None:
            return _missing(name, self.may_be_missing)
        started = seen.state == "running" or seen.completed
        if not (started if self.expect == "start" else seen.completed):
            return _wait(f"{name} is {seen.state}")
        if self.expect == "success" and not seen.succeeded:
            meaning = task_failure(seen.code, seen.exit_code)
            return Reading("failed", explanation=meaning.explanation(f"{name} (exit code {seen.exit_code})"))
        value = {"job_id": self.job_id, "task_id": seen.id, "state": seen.state, "exit_code": seen.exit_code}
        return Reading("met", value=value)


@dataclass(frozen=True)
class PoolCondition:
    """A pool has ended its allocation, or is gone.

    Parameters:
        pool_id: the pool.
        expect: ``steady`` or ``gone``.
        may_be_missing: wait for a pool that does not exist yet.
    """

    kind: ClassVar[str] = "pool"
    pool_id: str
    expect: Literal["steady", "gone"] = "steady"
    may_be_missing: bool = False

    @property
    def subject(self) -> PoolSubject:
        """What is looked at."""
        return PoolSubject(self.pool_id)

    def judge(self, seen: Observation) -> Reading:
        """Read a look."""
        if self.expect == "gone":
            gone = seen.pool is None
            return Reading("met", value=self.pool_id) if gone else _wait(seen.progress())
        if seen.pool is None:
            return _missing(f"Pool {self.pool_id}", self.may_be_missing)
        verdict = judge(seen, "steady", 0)
        if verdict.status == "failed":
            return Reading("failed", explanation=verdict.explanation)
        return Reading("met", value=self.pool_id) if verdict.status == "ready" else _wait(seen.progress())


@dataclass(frozen=True)
class NodeCountCondition:
    """A pool has so many nodes in some states.

    Parameters:
        pool_id: the pool.
        at_least, at_most: how many; None: no upper bound.
        states: which nodes count (Azure Batch REST reference: *Get node*, state).
        may_be_missing: wait for a pool that does not exist yet.
    """

    kind: ClassVar[str] = "node_count"
    pool_id: str
    at_least: int = 1
    at_most: int | None = None
    states: tuple[str, ...] = tuple(sorted(READY))
    may_be_missing: bool = False

    @property
    def subject(self) -> PoolSubject:
        """What is looked at."""
        return PoolSubject(self.pool_id, nodes=True)

    def judge(self, seen: Observation) -> Reading:
        """Read a look."""
        if seen.pool is None:
            return _missing(f"Pool {self.pool_id}", self.may_be_missing)
        count = sum(node.state in self.states for node in seen.nodes)
        if count >= self.at_least and (self.at_most is None or count <= self.at_most):
            return Reading("met", value=count)
        if count < self.at_least and READY.issuperset(self.states):
            verdict = judge(seen, "nodes", self.at_least)
            if verdict.status == "failed":
                return Reading("failed", explanation=verdict.explanation)
        return _wait(f"{count} node(s) are {' or '.join(self.states)}; {seen.progress()}")


@dataclass(frozen=True)
class BlobCondition:
    """Blobs are there and have not been written to for a time.

    Parameters:
        container, prefix, pattern: which; see
            :class:`~airflow_batch_provider.client.watching.subjects.BlobSubject`.
        at_least: how many.
        settled_for: seconds for which none of those that match may have been written to: a blob that is
            appended to or written again shows a new time of change with each block list, append or flush.
    """

    kind: ClassVar[str] = "blob"
    container: str
    prefix: str
    pattern: str = "**"
    at_least: int = 1
    settled_for: float = 0.0

    @property
    def subject(self) -> BlobSubject:
        """What is looked at."""
        return BlobSubject(self.container, self.prefix, self.pattern)

    def judge(self, seen: BlobsSeen) -> Reading:
        """Read a look."""
        if seen.blobs is None:
            return _wait(f"container {self.container} does not exist yet")
        if len(seen.blobs) < self.at_least:
            where = f"{self.container}/{self.prefix}{self.pattern}"
            return _wait(f"{len(seen.blobs)} of {self.at_least} blob(s) at {where}")
        limit = seen.moment - dt.timedelta(seconds=self.settled_for)
        young = [blob for blob in seen.blobs if self.settled_for and blob.modified > limit]
        if young:
            return _wait(f"{len(young)} of {len(seen.blobs)} blob(s) changed lately, as {young[0].name}")
        names = sorted(f"{self.container}/{blob.name}" for blob in seen.blobs)
        return Reading("met", value=names[:BLOBS_RETURNED])


Condition: TypeAlias = "JobCondition | TaskCondition | PoolCondition | NodeCountCondition | BlobCondition"
_KINDS: dict[str, type[Any]] = {
    kind.kind: kind
    for kind in (JobCondition, TaskCondition, PoolCondition, NodeCountCondition, BlobCondition)
}


def to_plain(condition: Condition) -> dict[str, Any]:
    """A condition as plain data."""
    return {"kind": condition.kind, **asdict(condition)}


def from_plain(plain: Mapping[str, Any]) -> Condition:
    """The condition that :func:`to_plain` was given."""
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    made: Condition = _KINDS[str(fields.pop("kind"))](**fields)
    return made


def explain_refusal(refusal: Refusal, condition: Condition) -> str:
    """Why nothing can be seen of what is waited for."""
    if isinstance(condition, BlobCondition):
        return str(
            Explanation(
                f"Storage refused to list container {condition.container}: {refusal}.",
                "The key or identity of the connection's storage account may not list it, or its firewall is "
                "in between.",
                "Press Test on the Airflow connection; give the identity the role Storage Blob Data Reader.",
            )
        )
    return str(request_failure(refusal, f"Waiting for a {condition.kind.replace('_', ' ')}"))
