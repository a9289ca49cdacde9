"""What must be true of an account after every step. Costs time in proportion to the account: for tests."""

from __future__ import annotations

from collections.abc import Iterator

from batch_emulator.service.entities import Node, Task, key_of
from batch_emulator.service.rooms import JobRoom, PoolRoom, bucket_of
from batch_emulator.service.scheduling.capacity import free_slots, is_busy
from batch_emulator.service.state import State
from batch_emulator.service.tasks.multi_instance.settings import instances_of

_NO_MACHINE = ("preempted", "deallocated")


class InvariantError(AssertionError):
    """The account is in a condition that must not be."""


def check(state: State) -> None:
    """:raises InvariantError: names everything that is wrong."""
    broken = [*_pools(state), *_jobs(state)]
    if broken:
        raise InvariantError("\n".join(broken))


def _pools(state: State) -> Iterator[str]:
    for room in state.pools.values():
        if room.loads.keys() != {node.id.lower() for node in room.nodes.values()}:
            yield f"pool {room.pool.id}: loads and nodes differ"
        if len({node.place for node in room.nodes.values()}) < len(room.nodes):
            yield f"pool {room.pool.id}: two nodes have one place"
        if room.pool.allocation_state == "steady":
            yield from _steady(room)
        for node in room.nodes.values():
            yield from _node(state, room, node)


def _steady(room: PoolRoom) -> Iterator[str]:
    if room.pool.awaits_capacity:
        yield f"pool {room.pool.id}: steady, but it awaits capacity"
    for node in room.nodes.values():
        if node.leaving:
            yield f"pool {room.pool.id}: steady, but node {node.id} is leaving"


def _node(state: State, room: PoolRoom, node: Node) -> Iterator[str]:
    load = room.load(node.id)
    slots = room.pool.spec["taskSlotsPerNode"]
    used = sum(task.spec["requiredSlots"] for task in load.tasks.values())
    used += sum(member.number > 0 for member in load.subtasks.values())
    if used != load.used_slots or used + sum(node.orphans.values()) > slots:
        yield f"node {node.id}: uses {used} slots, counted {load.used_slots} of {slots}"
    if load.exclusive is not None and load.tasks.keys() != {load.exclusive}:
        yield f"node {node.id}: {load.exclusive} is not alone"
    expected = free_slots(room, node)
    if room.slots.free(node.id.lower()) != expected:
        yield f"node {node.id}: {room.slots.free(node.id.lower())} slots offered, {expected} expected"
    for run_id, task in load.tasks.items():
        if task.run_id != run_id or state.runs.get(run_id) is not task:
            yield f"node {node.id}: run {run_id} is not known as that of its task"
    if node.state in ("idle", "offline") and is_busy(load, node):
        yield f"node {node.id}: {node.state}, but it runs something"
    if node.state == "running" and not is_busy(load, node):
        yield f"node {node.id}: running nothing"
    if node.state != "leavingpool" and (node.machine_since is None) != (node.state in _NO_MACHINE):
        yield f"node {node.id}: {node.state}, with a machine since {node.machine_since}"


def _gang(state: State, room: JobRoom, task: Task) -> Iterator[str]:
    gang = room.gangs.get(task.number)
    name = f"multi-instance task {task.job_id}/{task.id}"
    on_nodes = task.number in room.occupying
    if on_nodes != (gang is not None and any(member.held for member in gang.members)):
        yield f"{name}: {task.state}, but its instances hold nodes or do not"
    for member in gang.members if gang else ():
        load = state.load_of(member.pool_id, member.node_id)
        if member.held != (load is not None and load.subtasks.get(key_of(member)) is member):
            yield f"{name}: instance {member.number} holds {member.held}, its node knows otherwise"
        if (member.state == "completed") != (member.result is not None):
            yield f"{name}: instance {member.number} is {member.state} with result {member.result}"
        if member.run_id is not None and state.runs.get(member.run_id) is not member:
            yield f"{name}: run of instance {member.number} is unknown"


def _jobs(state: State) -> Iterator[str]:
    for room in state.jobs.values():
        counts = {"active": 0, "running": 0, "succeeded": 0, "failed": 0}
        for task in room.tasks.values():
            if task.killing != "delete":
                counts[bucket_of(task)] += 1
            yield from _task(state, room, task)
            if instances_of(task):
                yield from _gang(state, room, task)
        if counts != {name: getattr(room.counts, name) for name in counts}:
            yield f"job {room.job.id}: counts {room.counts} but has {counts}"
        if room.job.state in ("completed", "disabled") and room.occupying:
            yield f"job {room.job.id}: {room.job.state}, but tasks run"


def _task(state: State, room: JobRoom, task: Task) -> Iterator[str]:
    name = f"task {task.job_id}/{task.id}"
    on_node = task.state in ("preparing", "running")
    if on_node != (task.run_id is not None) or on_node != (task.number in room.occupying):
        yield f"{name}: {task.state}, run {task.run_id}"
    if on_node and state.load_of(task.node_pool_id, task.node_id) is None:
        yield f"{name}: {task.state} on a node that is gone"
    if (task.state == "completed") != (task.result is not None):
        yield f"{name}: {task.state} with result {task.result}"
    if (task.result == "failure") != (task.failure is not None):
        yield f"{name}: {task.result} with failure {task.failure}"
    queued, waiting = task in room.ready, task in room.dependencies
    if task.state == "active" and not task.expired and queued == waiting:
        yield f"{name}: active, ready {queued}, waiting {waiting}"
    if (task.state != "active" or task.expired) and (queued or waiting):
        yield f"{name}: {task.state}, ready {queued}, waiting {waiting}"
