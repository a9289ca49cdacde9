"""What users ask of nodes. Every function refuses before it changes anything."""

from __future__ import annotations

from collections.abc import Collection

from batch_emulator.service.assumptions import START_WITHOUT_DEALLOCATION
from batch_emulator.service.entities import Node
from batch_emulator.service.error_kinds import (
    NODE_ALREADY_IN_TARGET_SCHEDULING_STATE,
    NODE_BEING_CREATED,
    NODE_BEING_REBOOTED,
    NODE_BEING_REIMAGED,
    NODE_BEING_STARTED,
    NODE_NOT_FOUND,
    NODE_STATE_UNUSABLE,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    conflict,
    invalid,
)
from batch_emulator.service.errors import BatchError, ErrorKind
from batch_emulator.service.nodes import node_life
from batch_emulator.service.pools.pool_assumptions import MAY_ALSO_RESTART
from batch_emulator.service.pools.pools import find
from batch_emulator.service.pools.pools import find_writable as find_writable_pool
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State

_REFUSED_IN = {
    "creating": NODE_BEING_CREATED,
    "starting": NODE_BEING_STARTED,
    "waitingforstarttask": NODE_BEING_STARTED,
    "rebooting": NODE_BEING_REBOOTED,
    "reimaging": NODE_BEING_REIMAGED,
    "unusable": NODE_STATE_UNUSABLE,
    "preempted": NODE_STATE_UNUSABLE,
    "unknown": NODE_STATE_UNUSABLE,
}
_WORKING = ("idle", "running")
_MAY_GO_DOWN = {
    "reboot": (*_WORKING, *MAY_ALSO_RESTART),
    "reimage": (*_WORKING, *MAY_ALSO_RESTART),
    "deallocate": _WORKING,
}


def find_node(state: State, pool_id: str, node_id: str) -> Node:
    """A node. :raises BatchError: ``PoolNotFound`` or ``NodeNotFound``."""
    node = find(state, pool_id).nodes.get(node_id)
    if node is None:
        raise BatchError(NODE_NOT_FOUND)
    return node


def find_writable(state: State, pool_id: str, node_id: str) -> Node:
    """A node of a pool that is not being deleted. :raises BatchError: also ``PoolBeingDeleted``."""
    find_writable_pool(state, pool_id)
    return find_node(state, pool_id, node_id)


def refuse_unless(node: Node, states: Collection[str]) -> None:
    """:raises BatchError: the node is in none of the given states, with the code of the one it is in."""
    if node.state not in states:
        kind = _REFUSED_IN.get(node.state, OPERATION_INVALID_FOR_CURRENT_STATE)
        raise conflict(kind, f"The node is {node.state}")


def reboot(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Restart a node that is idle or running, or one whose start task failed.

    :param option: ``requeue``, ``terminate``, ``taskcompletion`` or ``retaineddata``.
    """
    return _take_down(state, pool_id, node_id, option, "reboot")


def reimage(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Give a node a fresh disk; its start task and preparation tasks run again.

    :param option: as for :func:`reboot`.
    """
    return _take_down(state, pool_id, node_id, option, "reimage")


def deallocate(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Give a node's machine back. The node stays in its pool until it is started or removed.

    :param option: as for :func:`reboot`.
    """
    return _take_down(state, pool_id, node_id, option, "deallocate")


def _take_down(state: State, pool_id: str, node_id: str, option: str, kind: str) -> Node:
    node = find_writable(state, pool_id, node_id)
    if option not in ("requeue", "terminate", *node_life.PATIENT):
        raise invalid(f"node{kind.capitalize()}Option", option, f"The value is no {kind} option")
    if node.restarting is not None:
        raise conflict(_already(node), f"The node waits for its tasks and is then to {node.restart_kind}")
    refuse_unless(node, _MAY_GO_DOWN[kind])
    node_life.take_down(state, node, option, kind)
    return node


def _already(node: Node) -> ErrorKind:
    return _REFUSED_IN.get(node_life.GOING_DOWN[node.restart_kind], OPERATION_INVALID_FOR_CURRENT_STATE)


def start(state: State, pool_id: str, node_id: str) -> Node:
    """Start a deallocated node. Source: *Compute Node - Start*."""
    node = find_writable(state, pool_id, node_id)
    if node.state != "deallocated":
        raise conflict(START_WITHOUT_DEALLOCATION, f"The node is {node.state}, not deallocated")
    node_life.power_on(state, node)
    return node


def disable_scheduling(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Put no new tasks on a node.

    :param option: of those that run: ``requeue``, ``terminate`` or ``taskcompletion``.
    """
    node = find_writable(state, pool_id, node_id)
    if option not in ("requeue", "terminate", "taskcompletion"):
        raise invalid("nodeDisableSchedulingOption", option, "The value is no scheduling option")
    _set_scheduling(state, node, "disabled")
    if option != "taskcompletion":
        node_life.stop_tasks(state, node, option)
    refresh(state, node)
    return node


def enable_scheduling(state: State, pool_id: str, node_id: str) -> Node:
    """Let tasks come again."""
    node = find_writable(state, pool_id, node_id)
    _set_scheduling(state, node, "enabled")
    refresh(state, node)
    return node


def _set_scheduling(state: State, node: Node, wanted: str) -> None:
    if node.scheduling_state == wanted:
        raise BatchError(NODE_ALREADY_IN_TARGET_SCHEDULING_STATE)
    node.scheduling_state = wanted
    state.changed(node)
