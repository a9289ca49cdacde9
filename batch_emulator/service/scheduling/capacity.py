"""Whether a node may be given tasks, and what its state is called while it has some."""

from __future__ import annotations

from batch_emulator.service.entities import Node
from batch_emulator.service.rooms import Load, PoolRoom
from batch_emulator.service.state import State

_WORKING = ("idle", "running", "offline")


def refresh(state: State, node: Node) -> None:
    """Bring the node's state and free slots in line with what it is busy with.

    Source: *Nodes and pools in Azure Batch* and *BatchNodeState*.
    """
    room = state.pool_room(node)
    load = room.load(node.id)
    busy = is_busy(load, node)
    if node.state in _WORKING:
        if busy:
            state.move_node(node, "running", "busy")
        elif node.scheduling_state == "disabled":
            state.move_node(node, "offline", "scheduling disabled and no task left")
        else:
            state.move_node(node, "idle", "nothing to run")
    free = _free_slots(room, load, node)
    room.slots.set(node.id.lower(), free)
    if free:
        state.schedule(node.pool_id)
    if not busy:
        state.check_node(node)


def free_slots(room: PoolRoom, node: Node) -> int | None:
    """Slots for new tasks; ``None`` on a node that takes none."""
    return _free_slots(room, room.load(node.id), node)


def _free_slots(room: PoolRoom, load: Load, node: Node) -> int | None:
    if load.exclusive is not None or not accepts_tasks(node):
        return None
    return int(room.pool.spec["taskSlotsPerNode"]) - load.used_slots - sum(node.orphans.values())


def is_busy(load: Load, node: Node) -> bool:
    """Whether something runs on the node."""
    return load.busy or bool(node.orphans)


def accepts_tasks(node: Node) -> bool:
    """Whether new tasks may be put on the node, slots permitting."""
    return (
        node.state in ("idle", "running")
        and node.scheduling_state == "enabled"
        and node.leaving is None
        and node.restarting is None
    )
