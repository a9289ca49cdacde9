"""Runs of jobs that were ended by force: nobody waits for them, but until they end they take up nodes."""

from __future__ import annotations

from batch_emulator.service.entities import Node
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State


def leave_behind(
    state: State, run_id: str | None, pool_id: str | None, node_id: str | None, slots: int
) -> None:
    """A run's owner is about to forget it, though its process may go on for a while.

    :param slots: that it keeps from others.
    """
    node = state.node_of(pool_id, node_id)
    if node is None or run_id is None:
        return
    node.orphans = {**node.orphans, run_id: slots}
    state.orphans[run_id] = node
    state.changed(node)


def on_ended(state: State, run_id: str) -> bool:
    """A run is over.

    :returns: whether it was one of these.
    """
    node = state.orphans.pop(run_id, None)
    if node is None:
        return False
    node.orphans = {name: slots for name, slots in node.orphans.items() if name != run_id}
    state.changed(node)
    refresh(state, node)
    return True


def forget(state: State, node: Node) -> None:
    """Nothing that ran on the node's machine goes on."""
    if node.orphans:
        for run_id in node.orphans:
            state.orphans.pop(run_id, None)
        node.orphans = {}
        state.changed(node)
