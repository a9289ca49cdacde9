"""Which task goes onto which node. The cost does not depend on how many tasks wait, nor on ended jobs.

Source: *Jobs and tasks in Azure Batch* (priority), *Run tasks concurrently to maximize usage of Batch compute
nodes* (slots, spread and pack), *BatchTaskSchedulingPolicy* (order of jobs).
"""

from __future__ import annotations

import heapq

from batch_emulator.service import task_runs
from batch_emulator.service.entities import Node, Task
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.state import State

_ENDED = ("terminating", "completed", "deleting")
_Turn = tuple[int, int, float, int]


def run(state: State, room: PoolRoom) -> None:
    """Fill the free slots of a pool."""
    jobs = [job for job in _waiting(state, room) if _may_start(job)]
    turns = [(_turn(room, job, place), place) for place, job in enumerate(jobs)]
    heapq.heapify(turns)
    while turns and room.slots.most() > 0:
        _, place = heapq.heappop(turns)
        job = jobs[place]
        if _start_one(state, room, job) and _may_start(job):
            heapq.heappush(turns, (_turn(room, job, place), place))


def _waiting(state: State, room: PoolRoom) -> list[JobRoom]:
    waiting = state.waiting_jobs.get(room.pool.id.lower(), {})
    for key in [key for key, job in waiting.items() if not job.ready or job.job.state in _ENDED]:
        del waiting[key]
    return list(waiting.values())


def _may_start(room: JobRoom) -> bool:
    limit = room.job.spec["maxParallelTasks"]
    return room.job.state == "active" and bool(room.ready) and (limit < 0 or len(room.occupying) < limit)


def _turn(pool: PoolRoom, room: JobRoom, place: int) -> _Turn:
    """Greater priority first; then the older job, or the one with fewer tasks on nodes."""
    by_age = pool.pool.spec["taskSchedulingPolicy"].get("jobDefaultOrder") == "creationtime"
    share = 0 if by_age else len(room.occupying)
    return -room.job.spec["priority"], share, room.job.creation_time.timestamp(), place


def _start_one(state: State, room: PoolRoom, job: JobRoom) -> bool:
    task = job.ready.pop_fitting(room.slots.most())
    if task is None:
        return False
    node = _place_for(room, job, task)
    if node is None:
        job.ready.push(task)
        return False
    task_runs.assign(state, job, task, node)
    return True


def _place_for(room: PoolRoom, job: JobRoom, task: Task) -> Node | None:
    required = task.spec["requiredSlots"]
    wish = str((task.spec.get("affinityInfo") or {}).get("affinityId", "")).removeprefix("TVM:").lower()
    if wish and wish not in job.barred and (room.slots.free(wish) or 0) >= required:
        return room.nodes[wish]
    pack = room.pool.spec["taskSchedulingPolicy"]["nodeFillType"] == "Pack"
    found = room.slots.pick(required, pack=pack, barred=job.barred)
    return room.nodes[found] if found else None
