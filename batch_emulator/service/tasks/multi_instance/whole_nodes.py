"""Which nodes a multi-instance task gets all at once, and how it comes to its turn beside smaller tasks."""

from __future__ import annotations

from datetime import datetime

from batch_emulator.service.entities import Node, Task
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.scheduling.capacity import accepts_tasks
from batch_emulator.service.tasks.multi_instance.assumptions import holding_ends
from batch_emulator.service.tasks.multi_instance.settings import instances_of


def fits_pool(pool: PoolRoom) -> bool:
    """Whether a pool runs multi-instance tasks at all; on others they stay active for ever.

    Source: *Multi-instance tasks*, requirements.
    """
    spec = pool.pool.spec
    return bool(spec["enableInterNodeCommunication"]) and spec["taskSlotsPerNode"] == 1


def free(pool: PoolRoom, job: JobRoom) -> int:
    """How many whole nodes a job could get now for one task."""
    if not fits_pool(pool):
        return 0
    number = pool.slots.count(1)
    return number - sum(pool.slots.free(name) == 1 for name in job.barred) if job.barred else number


def choose(pool: PoolRoom, job: JobRoom, task: Task) -> list[Node]:
    """Nodes for a task that fits; the node it has an affinity to is the primary's, if it is free."""
    wish = str((task.spec.get("affinityInfo") or {}).get("affinityId", "")).removeprefix("TVM:").lower()
    names = [name for name in pool.slots.with_free(1) if name not in job.barred]
    names.sort(key=lambda name: name != wish)
    return [pool.nodes[name] for name in names[: instances_of(task)]]


def held_until(pool: PoolRoom, job: JobRoom, task: Task, now: datetime) -> datetime | None:
    """Until when a task that does not fit now keeps free nodes from those after it.

    :returns: ``None`` if it lets them pass, as it does where the pool has not nodes enough at all.
    """
    if not fits_pool(pool):
        return None
    usable = sum(accepts_tasks(node) and node.id.lower() not in job.barred for node in pool.nodes.values())
    return holding_ends(task.state_transition_time, now) if usable >= instances_of(task) else None
