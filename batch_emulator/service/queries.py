"""Read-only answers made of several entities."""

from __future__ import annotations

from typing import NamedTuple

from batch_emulator.service.entities import JobNodeRun, Node
from batch_emulator.service.ids import task_root
from batch_emulator.service.pools import resizing
from batch_emulator.service.rooms import Counts, JobRoom, PoolRoom
from batch_emulator.service.state import State

# Wire names of the node counts, by node state. Source: Account - List Pool Node Counts.
NODE_COUNT_NAMES = {
    "creating": "creating",
    "idle": "idle",
    "offline": "offline",
    "preempted": "preempted",
    "rebooting": "rebooting",
    "reimaging": "reimaging",
    "running": "running",
    "starting": "starting",
    "starttaskfailed": "startTaskFailed",
    "leavingpool": "leavingPool",
    "unknown": "unknown",
    "unusable": "unusable",
    "waitingforstarttask": "waitingForStartTask",
    "deallocated": "deallocated",
    "deallocating": "deallocating",
    "upgradingos": "upgradingOS",
}


class TaskCounts(NamedTuple):
    """Tasks of a job by state, and the slots they ask for."""

    tasks: Counts
    slots: Counts


class PoolNodeCounts(NamedTuple):
    """Nodes of a pool by state, in wire names, ``total`` included."""

    pool_id: str
    dedicated: dict[str, int]
    low_priority: dict[str, int]


class NodeLoad(NamedTuple):
    """What runs on a node now; ordinary tasks only."""

    running_tasks: int
    running_slots: int


class PoolSize(NamedTuple):
    """Nodes that a pool has now; preempted ones count as low-priority nodes."""

    dedicated: int
    low_priority: int


class JobNodeStatus(NamedTuple):
    """Preparation and release task of a job on one node."""

    pool_id: str
    node_id: str
    preparation: JobNodeRun | None
    release: JobNodeRun | None


def node_counts(room: PoolRoom) -> PoolNodeCounts:
    """Nodes of a pool by state."""
    sides: list[dict[str, int]] = []
    for is_dedicated in (True, False):
        counts = dict.fromkeys(NODE_COUNT_NAMES.values(), 0)
        for node in room.nodes.values():
            if node.is_dedicated == is_dedicated:
                counts[NODE_COUNT_NAMES[node.state]] += 1
        sides.append({**counts, "total": sum(counts.values())})
    return PoolNodeCounts(room.pool.id, sides[0], sides[1])


def pool_size(room: PoolRoom) -> PoolSize:
    """Nodes that a pool has obtained."""
    nodes = [node for node in room.nodes.values() if resizing.obtained(node)]
    dedicated = sum(node.is_dedicated for node in nodes)
    return PoolSize(dedicated, len(nodes) - dedicated)


def node_load(state: State, node: Node) -> NodeLoad:
    """What runs on a node."""
    load = state.pool_room(node).load(node.id)
    running = [task for task in load.tasks.values() if task.state == "running"]
    subtasks = sum(member.state == "running" and member.number > 0 for member in load.subtasks.values())
    return NodeLoad(len(running) + subtasks, sum(task.spec["requiredSlots"] for task in running) + subtasks)


def job_node_runs(room: JobRoom) -> list[JobNodeStatus]:
    """Where a job's preparation ran, in order of pool and node."""
    pairs: dict[tuple[str, str], dict[str, JobNodeRun]] = {}
    for run in room.node_runs.values():
        pairs.setdefault((run.pool_id, run.node_id), {})[run.task_kind] = run
    return [
        JobNodeStatus(pool_id, node_id, found.get("preparation"), found.get("release"))
        for (pool_id, node_id), found in sorted(pairs.items())
    ]


def kept_task_roots(state: State) -> set[str]:
    """Directories, relative to a node's root, of all tasks whose files may still be wanted."""
    roots: set[str] = set()
    for room in state.jobs.values():
        job = room.job
        special = (job.spec.get("jobPreparationTask"), job.spec.get("jobReleaseTask"))
        roots |= {task_root(job.id, spec["id"]) for spec in special if spec}
        roots |= {task_root(job.id, task.id) for task in room.tasks.values() if not task.files_removed}
        members = (member for gang in room.gangs.values() for member in gang.members)
        roots |= {member.task_root for member in members if not member.files_removed}
    return roots
