"""Spot capacity that is taken back, and given again.

Source: *Use Spot VMs with Batch workloads*.
"""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.assumptions import PREEMPTED_FOR
from batch_emulator.service.effects import ReleaseNode
from batch_emulator.service.entities import Node, key_of
from batch_emulator.service.jobs import preparation
from batch_emulator.service.nodes import node_life
from batch_emulator.service.pools import usage
from batch_emulator.service.pools.allocation import region_has_machine
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State

_NO_MACHINE = ("preempted", "deallocating", "deallocated")


def on_preempted(state: State, pool_id: str, node_id: str, away_seconds: float | None = None) -> None:
    """Spot capacity is taken back: machine and disk are lost, the node stays listed and may return.

    A node that was to leave its pool is gone for good, whatever it was waiting for.

    :param away_seconds: until there is capacity again; ``None`` leaves it to :data:`PREEMPTED_FOR`.
    """
    node = state.node_of(pool_id, node_id)
    if node is None or node.is_dedicated or node.release_sent or node.state in _NO_MACHINE:
        return
    node.restarting = None
    usage.machine_went(state, state.pool_room(node).pool, node)
    node.release_sent = True
    if node.leaving is None:
        state.move_node(node, "preempted", "capacity taken back")
        away = PREEMPTED_FOR if away_seconds is None else timedelta(seconds=away_seconds)
        node.returns_at = state.now + away
    node_life.stop_runs(state, node, "lost")
    refresh(state, node)
    state.changed(node)
    state.emit(ReleaseNode(node.pool_id, node.id, node.boot_id))


def on_capacity(state: State, node: Node) -> None:
    """A preempted node may have a machine again: a new one, under its old id."""
    returned = node.returns_at is not None and node.returns_at <= state.now
    if node.state != "preempted" or node.release_sent or not returned:
        return
    if not region_has_machine(state, state.pool_room(node), is_dedicated=False):
        node.returns_at = state.now + PREEMPTED_FOR
        state.timers.set(node.returns_at, "node", key_of(node))
        state.changed(node)
        return
    state.move_node(node, "creating", "capacity is back")
    preparation.node_restarted(state, node, wiped=True)
    node_life.boot(state, node, wipe=True)
