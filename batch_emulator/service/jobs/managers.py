"""Job manager tasks: ordinary tasks of their job, placed and ended with more care.

Source: *BatchJobManagerTask* and *Jobs and tasks in Azure Batch*.
"""

from __future__ import annotations

from typing import Any

from batch_emulator.service.entities import Json, Node, Task
from batch_emulator.service.rooms import JobRoom, PoolRoom

# What says how the job treats its manager; the task itself has not got these.
_OF_THE_JOB = ("id", "killJobOnCompletion", "runExclusive", "allowLowPriorityNode")


def task_of(manager: Json) -> Json:
    """The specification of the task that a job manager becomes."""
    return {name: value for name, value in manager.items() if name not in _OF_THE_JOB}


def is_manager(room: JobRoom, task: Task) -> bool:
    """Whether a task is its job's manager: it came with the job, before all others."""
    return task.number == 1 and "jobManagerTask" in room.job.spec


def runs_alone(room: JobRoom, task: Task) -> bool:
    """Whether no other task may run on its node."""
    return is_manager(room, task) and _setting(room, "runExclusive")


def ends_job(room: JobRoom, task: Task) -> bool:
    """Whether the job ends with the task."""
    return is_manager(room, task) and _setting(room, "killJobOnCompletion")


def may_run_on(room: JobRoom, task: Task, node: Node) -> bool:
    """Whether a manager may be on a node of this kind."""
    return node.is_dedicated or not is_manager(room, task) or _setting(room, "allowLowPriorityNode")


def slots_needed(pool: PoolRoom, room: JobRoom, task: Task) -> int:
    """Slots that must be free on the task's node; all of them for one that runs alone."""
    required = int(task.spec["requiredSlots"])
    return max(required, pool.pool.spec["taskSlotsPerNode"]) if runs_alone(room, task) else required


def _setting(room: JobRoom, name: str) -> bool:
    manager: dict[str, Any] = room.job.spec["jobManagerTask"]
    return bool(manager[name])
