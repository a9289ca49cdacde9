"""Onto which node a task goes, if onto any.

Source: *Run tasks concurrently to maximize usage of Batch compute nodes* (spread and pack),
*BatchAffinityInfo*, *BatchJobManagerTask*.
"""

from __future__ import annotations

from collections.abc import Container

from batch_emulator.service.entities import Node, Task
from batch_emulator.service.jobs import managers
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.scheduling.capacity import accepts_tasks


def place_for(pool: PoolRoom, job: JobRoom, task: Task) -> Node | None:
    """The node for a task now; the one that it wishes for if that has room."""
    required = managers.slots_needed(pool, job, task)
    barred = barred_nodes(pool, job, task)
    wish = str((task.spec.get("affinityInfo") or {}).get("affinityId", "")).removeprefix("TVM:").lower()
    if wish and wish not in barred and (pool.slots.free(wish) or 0) >= required:
        return pool.nodes[wish]
    pack = pool.pool.spec["taskSchedulingPolicy"]["nodeFillType"] == "Pack"
    found = pool.slots.pick(required, pack=pack, barred=barred)
    return pool.nodes[found] if found else None


def barred_nodes(pool: PoolRoom, job: JobRoom, task: Task) -> Container[str]:
    """Keys of nodes that must not get a task."""
    if not managers.is_manager(job, task):
        return job.barred
    refused = {node.id.lower() for node in pool.nodes.values() if not managers.may_run_on(job, task, node)}
    return job.barred | refused


def may_come(pool: PoolRoom, job: JobRoom, task: Task) -> bool:
    """Whether some node of today could take a task as soon as others leave it."""
    barred = barred_nodes(pool, job, task)
    fits = managers.slots_needed(pool, job, task) <= pool.pool.spec["taskSlotsPerNode"]
    return fits and any(accepts_tasks(node) and node.id.lower() not in barred for node in pool.nodes.values())
