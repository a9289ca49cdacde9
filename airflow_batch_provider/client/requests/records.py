"""What Azure Batch answers, read once at the edge into records. Works on plain mappings with wire names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.signatures import strike_signatures

JOB_FIELDS = ("id", "state", "executionInfo", "metadata", "onAllTasksComplete")
TASK_FIELDS = ("id", "state", "executionInfo", "nodeInfo")
BLOCKING_FIELDS = (*TASK_FIELDS, "dependsOn", "exitConditions")
ENDING_JOB_STATES = frozenset({"terminating", "completed", "deleting"})


@dataclass(frozen=True)
class JobView:
    """A job as the service tells of it.

    Parameters:
        id: its id.
        state: ``active``, ``disabling``, ``disabled``, ``enabling``, ``terminating``, ``completed``,
            ``deleting``.
        reason: why it ended, such as ``AllTasksComplete``.
        scheduling_error: why it could not be scheduled at all.
        marks: its metadata.
        ends_by_itself: whether it ends when all its tasks are complete.
        pool_id: the pool that it was assigned to; for an auto pool the one made for it.
        started, ended_at: when it was created and when it ended, ISO 8601.
    """

    id: str
    state: str
    reason: str | None = None
    scheduling_error: str | None = None
    marks: Mapping[str, str] | None = None
    ends_by_itself: bool = False
    pool_id: str | None = None
    started: str | None = None
    ended_at: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.state == "completed"

    @property
    def ending(self) -> bool:
        """Whether it takes no more tasks."""
        return self.state in ENDING_JOB_STATES


@dataclass(frozen=True)
class TaskView:
    """A task as the service tells of it.

    Parameters:
        id: its id.
        state: ``active``, ``preparing``, ``running`` or ``completed``.
        succeeded: whether it completed well; None until it has completed.
        exit_code: of its command, if that was started.
        category, code, message: why it failed, in the service's words.
        details: further names and values of the failure.
        node_id: where it ran last.
        tries: how often it was started, as far as the service counts.
        started, ended_at: when it began to run last, and when that ended, ISO 8601.
        requeues: how often it was put back because its node was removed or its job disabled.
    """

    id: str
    state: str
    succeeded: bool | None = None
    exit_code: int | None = None
    category: str | None = None
    code: str | None = None
    message: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    node_id: str | None = None
    tries: int = 1
    started: str | None = None
    ended_at: str | None = None
    requeues: int = 0

    @property
    def completed(self) -> bool:
        """Whether it has ended for good."""
        return self.state == "completed"


@dataclass(frozen=True)
class TaskCounts:
    """How many tasks of a job are in which state. Eventually consistent: a hint, not a proof."""

    active: int = 0
    running: int = 0
    completed: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All tasks."""
        return self.active + self.running + self.completed


def job_view(wire: Mapping[str, Any]) -> JobView:
    """Read the wire model BatchJob."""
    info = wire.get("executionInfo") or {}
    error = info.get("schedulingError") or {}
    marks = {item["name"]: item["value"] for item in wire.get("metadata") or ()}
    return JobView(
        id=wire["id"],
        state=str(wire["state"]),
        reason=info.get("terminateReason"),
        scheduling_error=f"{error.get('code')}: {error.get('message')}" if error else None,
        marks=marks,
        ends_by_itself=wire.get("onAllTasksComplete") == "terminatejob",
        pool_id=info.get("poolId"),
        started=info.get("startTime"),
        ended_at=info.get("endTime"),
    )


def task_view(wire: Mapping[str, Any]) -> TaskView:
    """Read the wire model BatchTask."""
    info = wire.get("executionInfo") or {}
    failure = info.get("failureInfo") or {}
    state = str(wire["state"])
    result = info.get("result")
    succeeded = (result == "success" if result else not failure) if state == "completed" else None
    return TaskView(
        id=wire["id"],
        state=state,
        succeeded=succeeded,
        exit_code=info.get("exitCode"),
        category=failure.get("category"),
        code=failure.get("code"),
        message=strike_signatures(failure.get("message") or "") or None,
        details=_details(failure.get("details") or ()),
        node_id=(wire.get("nodeInfo") or {}).get("nodeId"),
        tries=int(info.get("retryCount") or 0) + 1,
        started=info.get("startTime"),
        ended_at=info.get("endTime"),
        requeues=int(info.get("requeueCount") or 0),
    )


def _details(details: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    # A file that could not be had is named by its URL, SAS included.
    return tuple((str(item.get("name")), strike_signatures(str(item.get("value")))) for item in details)


def task_counts(wire: Mapping[str, Any]) -> TaskCounts:
    """Read the wire model BatchTaskCountsResult."""
    counts = wire.get("taskCounts") or {}
    names = ("active", "running", "completed", "succeeded", "failed")
    return TaskCounts(*(int(counts.get(name) or 0) for name in names))
