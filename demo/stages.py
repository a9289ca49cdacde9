"""What is done of what: Airflow's tasks and the Batch job's tasks as stages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from demo.stack.airflow_client import TaskInstance

__all__ = ["BatchTaskView", "Stage", "airflow_stages", "batch_stages"]

_DONE = frozenset({"success", "skipped", "removed"})
_FAILED = frozenset({"failed", "upstream_failed"})
_WORKING = frozenset({"running", "deferred", "up_for_retry", "restarting"})
_PREFIX = re.compile(r"[A-Za-z_]+")


@dataclass(frozen=True)
class BatchTaskView:
    """A Batch task as far as progress goes.

    Parameters:
        job_id, task_id: which.
        state: `active`, `preparing`, `running` or `completed`.
        succeeded: False if it completed with a failure.
        begun, ended: when it ran.
    """

    job_id: str
    task_id: str
    state: str
    succeeded: bool
    begun: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Stage:
    """Tasks that do the same kind of work.

    Parameters:
        owner: `Airflow` or `Batch`.
        name: what the tasks' ids begin with.
        total, done, running, failed: numbers of tasks.
        begun: when the first one started.
        ended: when the last one ended; None while one is not done.
    """

    owner: str
    name: str
    total: int
    done: int
    running: int
    failed: int
    begun: datetime | None
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        """From the first start to the last end; None while one is not done."""
        if self.begun is None or self.ended is None:
            return None
        return (self.ended - self.begun).total_seconds()


def stage_name(task_id: str) -> str:
    """What a Batch task's id begins with: `encode-720p-003` is of the stage `encode`."""
    match = _PREFIX.match(task_id)
    return match.group() if match else task_id


def _stage(
    owner: str, name: str, states: list[str], times: list[tuple[datetime | None, datetime | None]]
) -> Stage:
    done, failed = states.count("done"), states.count("failed")
    begins = [begun for begun, _ in times if begun is not None]
    ends = [ended for _, ended in times if ended is not None]
    over = done + failed == len(states)
    return Stage(
        owner=owner,
        name=name,
        total=len(states),
        done=done,
        running=states.count("running"),
        failed=failed,
        begun=min(begins, default=None),
        ended=max(ends, default=None) if over else None,
    )


def _airflow_state(state: str | None) -> str:
    if state in _DONE:
        return "done"
    if state in _FAILED:
        return "failed"
    return "running" if state in _WORKING else "waiting"


def _batch_state(task: BatchTaskView) -> str:
    if task.state == "completed":
        return "done" if task.succeeded else "failed"
    return "running" if task.state in {"preparing", "running"} else "waiting"


def airflow_stages(instances: Iterable[TaskInstance]) -> list[Stage]:
    """One stage per task of the DAG (mapped instances together), in the order in which they started."""
    groups: dict[str, list[TaskInstance]] = {}
    for item in instances:
        groups.setdefault(item.task_id, []).append(item)
    stages = [
        _stage(
            "Airflow",
            name,
            [_airflow_state(item.state) for item in group],
            [(item.start_date, item.end_date) for item in group],
        )
        for name, group in groups.items()
    ]
    return _in_order_of_start(stages)


def batch_stages(tasks: Iterable[BatchTaskView]) -> list[Stage]:
    """One stage per kind of Batch task, in the order in which they started."""
    groups: dict[str, list[BatchTaskView]] = {}
    for task in tasks:
        groups.setdefault(stage_name(task.task_id), []).append(task)
    stages = [
        _stage("Batch", name, [_batch_state(task) for task in group], [(t.begun, t.ended) for t in group])
        for name, group in groups.items()
    ]
    return _in_order_of_start(stages)


def _in_order_of_start(stages: list[Stage]) -> list[Stage]:
    # Stages that did not start yet keep the order in which the tasks were listed.
    begins = {stage.name: stage.begun.timestamp() for stage in stages if stage.begun is not None}
    return sorted(stages, key=lambda stage: begins.get(stage.name, float("inf")))
