"""From targets to nodes: growing within quota and capacity, shrinking by a deallocation option, stopping,
timing out.

Source: *Nodes and pools in Azure Batch*, *Pool - Resize*, *Pool - Stop Resize*, *Resize error codes*.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice

from batch_emulator.service.assumptions import STOP_RESIZE_WITHOUT_RESIZE
from batch_emulator.service.entities import Node, Pool, key_of
from batch_emulator.service.error_kinds import (
    POOL_BEING_DELETED,
    POOL_BEING_RESIZED,
    conflict,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.jobs import managers
from batch_emulator.service.nodes import node_life
from batch_emulator.service.pools import usage
from batch_emulator.service.pools.allocation import KIND, obtainable, resize_error, timed_out
from batch_emulator.service.region import ALLOCATION_TIMED_OUT
from batch_emulator.service.rooms import PoolRoom
from batch_emulator.service.state import State
from batch_emulator.service.times import later


def start(
    state: State, room: PoolRoom, dedicated: int, low_priority: int, option: str, timeout: timedelta
) -> None:
    """Begin to bring a pool to its targets; the pool is steady.

    :param option: deallocation option for nodes that must go.
    :param timeout: how long getting new nodes may take.
    """
    pool = room.pool
    pool.target_dedicated, pool.target_low_priority = dedicated, low_priority
    pool.resize_errors, pool.node_deallocation_option = [], option
    pool.resize_deadline = later(state.now, timeout)
    state.timers.set(pool.resize_deadline, "pool", key_of(pool))
    state.move_allocation(pool, "resizing", f"targets {dedicated} dedicated, {low_priority} low-priority")
    state.touch(pool)
    adjust(state, room)


def adjust(state: State, room: PoolRoom) -> None:
    """Create the nodes that lack, let those go that are too many."""
    pool = room.pool
    for is_dedicated, wanted, nodes in _kinds(room):
        if wanted > len(nodes):
            _grow(state, room, wanted - len(nodes), is_dedicated)
        elif wanted < len(nodes):
            for node in _victims(state, room, nodes)[: len(nodes) - wanted]:
                node_life.leave(state, node, pool.node_deallocation_option, "pool shrinks")
    state.check_pool(pool)


def _kinds(room: PoolRoom) -> Iterator[tuple[bool, int, list[Node]]]:
    """Whether nodes are dedicated, how many of them there are to be, and those that do not leave."""
    for is_dedicated, wanted in ((True, room.pool.target_dedicated), (False, room.pool.target_low_priority)):
        nodes = (node for node in room.nodes.values() if node.is_dedicated == is_dedicated)
        yield is_dedicated, wanted, [node for node in nodes if not node.leaving]


def _grow(state: State, room: PoolRoom, lacking: int, is_dedicated: bool) -> None:
    pool = room.pool
    number, error = obtainable(state, room, lacking, is_dedicated=is_dedicated)
    for place in islice(_free_places(room), number):
        node_life.create(state, room, is_dedicated=is_dedicated, place=place)
    if error is None:
        return
    if error["code"] == ALLOCATION_TIMED_OUT:
        pool.awaits_capacity = [*pool.awaits_capacity, KIND[is_dedicated]]
    else:
        pool.resize_errors = [*pool.resize_errors, error]
    state.changed(pool)


def _ask_again(state: State, room: PoolRoom) -> None:
    """A resize goes on asking the region for what it had not got."""
    awaited, room.pool.awaits_capacity = room.pool.awaits_capacity, []
    for is_dedicated, wanted, nodes in _kinds(room):
        if KIND[is_dedicated] in awaited:
            _grow(state, room, wanted - len(nodes), is_dedicated)
    state.changed(room.pool)


def _free_places(room: PoolRoom) -> Iterator[int]:
    taken = {node.place for node in room.nodes.values()}
    return (place for place in count() if place not in taken)


def _victims(state: State, room: PoolRoom, nodes: list[Node]) -> list[Node]:
    """Nodes as they may go: useless ones, idle ones, then the least busy; youngest first, managers' last."""

    def loss(node: Node) -> tuple[bool, bool, int, int]:
        working = node.state in ("idle", "running", "offline")
        load = room.load(node.id)
        tasks = load.tasks.values()
        manages = any(managers.is_manager(state.room_of(task), task) for task in tasks)
        return manages, working, len(tasks) + len(load.subtasks), -node.number

    return sorted(nodes, key=loss)


def remove_nodes(state: State, room: PoolRoom, nodes: list[Node], option: str, timeout: timedelta) -> None:
    """Take given nodes out of a steady pool; the targets drop with them."""
    pool = room.pool
    pool.target_dedicated -= sum(node.is_dedicated for node in nodes)
    pool.target_low_priority -= sum(not node.is_dedicated for node in nodes)
    pool.target_dedicated, pool.target_low_priority = (
        max(0, pool.target_dedicated),
        max(0, pool.target_low_priority),
    )
    pool.resize_errors, pool.node_deallocation_option = [], option
    pool.resize_deadline = later(state.now, timeout)
    state.move_allocation(pool, "resizing", f"{len(nodes)} nodes are removed")
    state.touch(pool)
    for node in nodes:
        node_life.leave(state, node, option, "removed on request")


def stop(state: State, room: PoolRoom) -> None:
    """End a resize where it is. The targets stay, as observed on the service."""
    pool = room.pool
    if pool.allocation_state != "resizing":
        raise conflict(STOP_RESIZE_WITHOUT_RESIZE, f"The pool is {pool.allocation_state}, not resizing")
    pool.resize_errors = [
        *pool.resize_errors,
        resize_error("ResizeStopped", "Desired resize was stopped by the user"),
    ]
    pool.awaits_capacity = []
    state.move_allocation(pool, "stopping", "resize stopped on request")
    _give_up(state, room)


def _give_up(state: State, room: PoolRoom) -> None:
    for node in list(room.nodes.values()):
        if not obtained(node):
            node_life.leave(state, node, "requeue", "not obtained in time")
        elif node.leaving in node_life.PATIENT and not node.release_sent:
            node_life.return_to_work(state, node)


def on_deadline(state: State, room: PoolRoom) -> None:
    """The resize timeout is over: nodes that were not obtained are given up."""
    pool = room.pool
    if (
        pool.allocation_state != "resizing"
        or pool.resize_deadline is None
        or pool.resize_deadline > state.now
    ):
        return
    missing = [node for node in room.nodes.values() if not obtained(node) and not node.leaving]
    kinds = {*pool.awaits_capacity, *(KIND[node.is_dedicated] for node in missing)}
    if not kinds:
        return
    pool.resize_errors = [*pool.resize_errors, *map(timed_out, sorted(kinds))]
    pool.awaits_capacity = []
    state.changed(pool)
    state.check_pool(pool)
    for node in missing:
        node_life.leave(state, node, "requeue", "not obtained in time")


def obtained(node: Node) -> bool:
    """Whether the pool has had the node; one that never had a machine does not count."""
    return node.last_boot_time is not None or node.state == "starting"


def check(state: State, room: PoolRoom) -> None:
    """See whether a resize is over, and whether a deleted pool is empty."""
    pool = room.pool
    if pool.awaits_capacity:
        _ask_again(state, room)
    if pool.awaits_capacity or any(node.leaving or not obtained(node) for node in room.nodes.values()):
        return
    if pool.allocation_state != "steady":
        pool.resize_deadline = None
        state.move_allocation(pool, "steady", "resize is over")
    if pool.state == "deleting" and not len(room.nodes):
        usage.pool_gone(state, pool)
        state.pools.remove(pool.id)
        state.removed(pool)
        state.story.add(state.now, "pool", pool, "deleting", "gone", "deleted")


def refuse_unless_steady(pool: Pool) -> None:
    """:raises BatchError: the pool is being deleted or resized."""
    if pool.state == "deleting":
        raise BatchError(POOL_BEING_DELETED)
    if pool.allocation_state != "steady":
        raise BatchError(POOL_BEING_RESIZED)
