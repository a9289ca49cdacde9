"""Which task goes onto which node. The cost does not depend on how many tasks wait, nor on ended jobs.

Source: *Jobs and tasks in Azure Batch* (priority, job managers), *BatchTaskSchedulingPolicy* (order of jobs).
"""

from __future__ import annotations

import heapq
import math

from batch_emulator.service.entities import Node, Task
from batch_emulator.service.jobs import managers
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.scheduling import preemption
from batch_emulator.service.scheduling.placement import may_come, place_for
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs
from batch_emulator.service.tasks.multi_instance import coordination, whole_nodes

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
        started = _start_one(state, room, job)
        if started is None:
            return
        if started and _may_start(job):
            heapq.heappush(turns, (_turn(room, job, place), place))
    hopeful = [job for job in jobs if preemption.may_help(state, room, job) and _may_start(job)]
    if hopeful:
        order = sorted((_turn(room, job, place), place) for place, job in enumerate(hopeful))
        preemption.make_room(state, room, [hopeful[place] for _, place in order])


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


def _start_one(state: State, room: PoolRoom, job: JobRoom) -> bool | None:
    """Start a task of a job.

    :returns: ``None`` if free nodes are held for a multi-instance task of the job, so that nobody may go on.
    """
    gang = job.ready.first_gang(whole_nodes.free(room, job)) if job.ready.has_gangs else None
    task, node = _next(room, job)
    if task is not None and node is not None and (gang is None or task.number < gang.number):
        if not _held(state, room, job, task.number):
            task_runs.assign(state, job, task, node)
            return True
        job.ready.push(task)
        return None
    if task is not None:
        job.ready.push(task)
    if gang is None:
        return None if _held(state, room, job) else False
    job.ready.discard(gang)
    coordination.assign(state, job, gang, whole_nodes.choose(room, job, gang))
    return True


def _held(state: State, room: PoolRoom, job: JobRoom, before: float = math.inf) -> bool:
    """Whether a multi-instance task that has not nodes enough lets none of those after it pass.

    :param before: number of the task that would be next.
    """
    waiting = job.ready.first_gang()
    if waiting is None or before < waiting.number:
        return False
    if preemption.is_under_way(room):
        return True
    until = whole_nodes.held_until(room, job, waiting, state.now)
    if until != room.held_until:
        room.held_until = until
        state.timers.set(until, "schedule", room.pool.id.lower())
    return until is not None


def _next(room: PoolRoom, job: JobRoom) -> tuple[Task | None, Node | None]:
    """The job's next task with its place. The others need not wait for a manager that no node may take."""
    task = job.ready.pop_fitting(room.slots.most())
    node = place_for(room, job, task) if task else None
    if task is None or node or not managers.is_manager(job, task) or may_come(room, job, task):
        return task, node
    follower = job.ready.pop_fitting(room.slots.most())
    job.ready.push(task)
    return follower, place_for(room, job, follower) if follower else None
