"""What users ask of nodes. Every function refuses before it changes anything."""

from __future__ import annotations

from batch_emulator.service import node_life
from batch_emulator.service.capacity import refresh
from batch_emulator.service.entities import Node
from batch_emulator.service.error_kinds import (
    NODE_ALREADY_IN_TARGET_SCHEDULING_STATE,
    NODE_BEING_CREATED,
    NODE_BEING_REBOOTED,
    NODE_BEING_STARTED,
    NODE_NOT_FOUND,
    NODE_STATE_UNUSABLE,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    OPERATION_NOT_VALID_ON_NODE,
    conflict,
    invalid,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools import find, find_writable
from batch_emulator.service.state import State

_REFUSED_IN = {
    "creating": NODE_BEING_CREATED,
    "starting": NODE_BEING_STARTED,
    "waitingforstarttask": NODE_BEING_STARTED,
    "rebooting": NODE_BEING_REBOOTED,
    "unusable": NODE_STATE_UNUSABLE,
    "preempted": NODE_STATE_UNUSABLE,
    "unknown": NODE_STATE_UNUSABLE,
}


def find_node(state: State, pool_id: str, node_id: str) -> Node:
    """A node. :raises BatchError: ``PoolNotFound`` or ``NodeNotFound``."""
    node = find(state, pool_id).nodes.get(node_id)
    if node is None:
        raise BatchError(NODE_NOT_FOUND)
    return node


def _writable(state: State, pool_id: str, node_id: str) -> Node:
    find_writable(state, pool_id)
    return find_node(state, pool_id, node_id)


def reboot(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Restart a node that is idle or running, or one whose start task failed.

    :param option: ``requeue``, ``terminate``, ``taskcompletion`` or ``retaineddata``.
    """
    node = _writable(state, pool_id, node_id)
    if option not in ("requeue", "terminate", *node_life.PATIENT):
        raise invalid("nodeRebootOption", option, "The value is no reboot option")
    if node.restarting is not None:
        raise BatchError(NODE_BEING_REBOOTED)
    if node.state not in ("idle", "running", "starttaskfailed"):
        kind = _REFUSED_IN.get(node.state, OPERATION_INVALID_FOR_CURRENT_STATE)
        raise conflict(kind, f"The node is {node.state}")
    node_life.restart(state, node, option)
    return node


def reimage(state: State, pool_id: str, node_id: str) -> Node:
    """Refused, as the service refuses it on pools of virtual machines."""
    _writable(state, pool_id, node_id)
    raise conflict(
        OPERATION_NOT_VALID_ON_NODE, "Nodes of pools with virtualMachineConfiguration are not reimaged"
    )


def disable_scheduling(state: State, pool_id: str, node_id: str, option: str) -> Node:
    """Put no new tasks on a node.

    :param option: of those that run: ``requeue``, ``terminate`` or ``taskcompletion``.
    """
    node = _writable(state, pool_id, node_id)
    if option not in ("requeue", "terminate", "taskcompletion"):
        raise invalid("nodeDisableSchedulingOption", option, "The value is no scheduling option")
    _set_scheduling(state, node, "disabled")
    if option != "taskcompletion":
        node_life.stop_tasks(state, node, option)
    refresh(state, node)
    return node


def enable_scheduling(state: State, pool_id: str, node_id: str) -> Node:
    """Let tasks come again."""
    node = _writable(state, pool_id, node_id)
    _set_scheduling(state, node, "enabled")
    refresh(state, node)
    return node


def _set_scheduling(state: State, node: Node, wanted: str) -> None:
    if node.scheduling_state == wanted:
        raise BatchError(NODE_ALREADY_IN_TARGET_SCHEDULING_STATE)
    node.scheduling_state = wanted
    state.changed(node)
