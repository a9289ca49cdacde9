"""A node whose agent is gone: out of contact, and found again by a restart.

Source: *Nodes and pools in Azure Batch*, *Azure Batch best practices* (the service tries to recover nodes
it has lost; a task whose node is lost is put on another one). How long it takes, nobody promises: whoever
reports the loss says so.
"""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.entities import Node, key_of
from batch_emulator.service.jobs import preparation
from batch_emulator.service.nodes import node_life
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State

# Without a machine there is no agent that could be lost.
_NO_AGENT = ("creating", "preempted", "deallocating", "deallocated", "unknown")


def on_lost(state: State, pool_id: str, node_id: str, away_seconds: float | None) -> None:
    """Contact with a node is lost: what ran there is given back to the queue.

    :param away_seconds: until the node is found again; ``None`` is never.
    """
    node = state.node_of(pool_id, node_id)
    if node is None or node.leaving or node.state in _NO_AGENT:
        return
    state.move_node(node, "unknown", "contact lost")
    node.restarting = None
    # What it waited for before means nothing any more.
    node.returns_at = None if away_seconds is None else state.now + timedelta(seconds=away_seconds)
    state.timers.set(node.returns_at, "node", key_of(node))
    node_life.stop_runs(state, node, "lost")
    refresh(state, node)
    state.changed(node)


def on_contact(state: State, node: Node) -> None:
    """A lost node may have been found: it starts again, with its disk as it was."""
    if node.state == "unknown" and node.returns_at is not None and node.returns_at <= state.now:
        state.move_node(node, "starting", "contact is back")
        preparation.node_restarted(state, node)
        node_life.boot(state, node, wipe=False)
