"""Why a task is not running: what a user of Batch has to find out by hand, as data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from batch_emulator.service.entities import Task
from batch_emulator.service.jobs import managers
from batch_emulator.service.limits import MAX_TASK_LIFETIME
from batch_emulator.service.rooms import JobRoom, PoolRoom
from batch_emulator.service.scheduling.capacity import accepts_tasks
from batch_emulator.service.state import State
from batch_emulator.service.tasks.multi_instance import whole_nodes
from batch_emulator.service.tasks.multi_instance.settings import instances_of

_SHOWN = 10
_PASSING = ("NoFreeSlots", "NoFreeNodes", "Next")


class Reason(NamedTuple):
    """One thing that keeps a task from running.

    :param code: for programs, such as ``WaitsForTask``.
    :param message: for people.
    """

    code: str
    message: str


def why_not_running(state: State, task: Task) -> list[Reason]:
    """Everything that keeps an active task waiting; empty if the task is not waiting."""
    if task.state != "active":
        return []
    room = state.room_of(task)
    if task.expired:
        return [Reason("Expired", f"Added {MAX_TASK_LIFETIME.days} days ago or earlier, it never runs.")]
    reasons = [*_job(room), *_dependencies(room, task)]
    # A full pool says nothing about a task that could not run on an empty one either.
    return [
        *reasons,
        *(reason for reason in _pool(state, room, task) if not reasons or reason.code not in _PASSING),
    ]


def _job(room: JobRoom) -> Iterator[Reason]:
    job = room.job
    if job.state != "active":
        yield Reason("JobNotActive", f"The job is {job.state}.")
    limit = job.spec["maxParallelTasks"]
    if 0 < limit <= len(room.occupying):
        yield Reason(
            "MaxParallelTasks", f"{len(room.occupying)} tasks of the job run; maxParallelTasks is {limit}."
        )


def _dependencies(room: JobRoom, task: Task) -> Iterator[Reason]:
    if task not in room.dependencies:
        return
    depends_on = task.spec["dependsOn"]
    unmet = (name for name in depends_on.get("taskIds") or () if not room.dependencies.is_satisfied(name))
    for name in islice(unmet, _SHOWN):
        yield _parent(room, name)
    for span in islice(depends_on.get("taskIdRanges") or (), _SHOWN):
        missing = room.dependencies.first_missing(span["start"], span["end"])
        if missing is not None:
            yield _parent(room, str(missing), f" (range {span['start']}-{span['end']})")


def _parent(room: JobRoom, name: str, where: str = "") -> Reason:
    parent = room.tasks.get(name)
    if parent is None:
        return Reason("DependencyMissing", f"It depends on task {name}{where}, which does not exist.")
    if parent.state == "completed":
        return Reason("DependencyBlocked", f"Task {name}{where} ended so that its dependents never run.")
    return Reason("WaitsForTask", f"It depends on task {name}{where}, which is {parent.state}.")


def _pool(state: State, room: JobRoom, task: Task) -> Iterator[Reason]:
    pool = state.pools.get(room.job.pool_id)
    if pool is None:
        yield Reason("PoolNotFound", f"The job's pool {room.job.pool_id} does not exist.")
        return
    if pool.pool.state == "deleting":
        yield Reason("PoolBeingDeleted", "The job's pool is being deleted.")
    required, slots = managers.slots_needed(pool, room, task), pool.pool.spec["taskSlotsPerNode"]
    if required > slots:
        yield Reason(
            "TooManySlots", f"It needs {required} slots; nodes of the pool have {slots}. It never runs."
        )
    elif instances_of(task) and not whole_nodes.fits_pool(pool):
        yield Reason(
            "PoolNotForMultiInstance",
            "A multi-instance task needs a pool with enableInterNodeCommunication and one task slot per node."
            " It never runs.",
        )
    elif not len(pool.nodes):
        yield from _no_nodes(pool)
    elif instances_of(task):
        yield from _gang(pool, room, instances_of(task))
    else:
        for reason in _nodes(pool, room, task, required):
            yield _held(state, pool) or reason if reason.code == "Next" else reason


def _held(state: State, pool: PoolRoom) -> Reason | None:
    """Nodes are free, but not for this task."""
    until = pool.held_until
    waiting = [job.ready.first_gang() for job in state.jobs_on(pool.pool.id)]
    if until is None or until <= state.now or not any(waiting):
        return None
    names = ", ".join(f"{task.job_id}/{task.id}" for task in waiting if task)
    return Reason(
        "HeldBack", f"Free nodes are kept for multi-instance tasks until {until:%H:%M:%S}: {names}."
    )


def _no_nodes(pool: PoolRoom) -> Iterator[Reason]:
    if not pool.pool.target_dedicated and not pool.pool.target_low_priority:
        yield Reason("PoolEmpty", "The pool has no nodes and is not asked to have any.")
    else:
        yield Reason("PoolEmpty", "The pool has no nodes yet.")
    if pool.pool.awaits_capacity:
        yield Reason(
            "AwaitsCapacity", "The region has no capacity for its VM size; the resize goes on asking for it."
        )
    for error in pool.pool.resize_errors:
        yield Reason("ResizeError", f"{error['code']}: {error['message']}.")


def _gang(pool: PoolRoom, room: JobRoom, wanted: int) -> Iterator[Reason]:
    usable = sum(accepts_tasks(node) and node.id.lower() not in room.barred for node in pool.nodes.values())
    free = whole_nodes.free(pool, room)
    if usable < wanted:
        yield Reason(
            "TooFewNodes", f"It needs {wanted} nodes at once; {usable} of the pool take its job's tasks."
        )
    elif free < wanted:
        yield Reason("NoFreeNodes", f"It needs {wanted} nodes at once; {free} are free.")
    else:
        yield Reason("Next", "It is waiting for its turn.")


def _nodes(pool: PoolRoom, room: JobRoom, task: Task, required: int) -> Iterator[Reason]:
    usable = [node for node in pool.nodes.values() if accepts_tasks(node)]
    if not usable:
        states: dict[str, int] = {}
        for node in pool.nodes.values():
            states[node.state] = states.get(node.state, 0) + 1
        yield Reason(
            "NoUsableNode", f"No node takes tasks: {', '.join(f'{n} {s}' for s, n in states.items())}."
        )
    elif all(node.id.lower() in room.barred for node in usable):
        yield Reason("PreparationFailed", "The job preparation task failed on every node.")
    elif not any(managers.may_run_on(room, task, node) for node in usable):
        yield Reason("NoDedicatedNode", "A manager with allowLowPriorityNode false needs a dedicated node.")
    elif pool.slots.most() < required:
        yield Reason(
            "NoFreeSlots", f"It needs {required} free slots; no node has more than {pool.slots.most()}."
        )
    else:
        yield Reason("Next", "It is waiting for its turn.")
