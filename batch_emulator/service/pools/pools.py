"""What users ask of pools. Every function refuses before it changes anything."""

from __future__ import annotations

from batch_emulator.service.assumptions import POOL_ID_STILL_DELETING, RESIZE_WITH_AUTO_SCALE
from batch_emulator.service.durations import parse_duration
from batch_emulator.service.entities import Json, Node, Pool
from batch_emulator.service.error_kinds import (
    NODE_NOT_FOUND,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    POOL_BEING_DELETED,
    POOL_EXISTS,
    POOL_NOT_FOUND,
    POOL_QUOTA_REACHED,
    conflict,
    invalid,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.limits import MAX_REMOVED_NODES
from batch_emulator.service.nodes import node_life
from batch_emulator.service.packages.packages import check_pool_references
from batch_emulator.service.pools import autoscaling, resizing
from batch_emulator.service.pools.azure_ids import check_resources
from batch_emulator.service.pools.pool_spec import (
    SECTIONS,
    fit_together,
    make_pool_spec,
    resize_timeout,
    start_task,
    target,
    targets,
    task_slots,
)
from batch_emulator.service.rooms import PoolRoom
from batch_emulator.service.spec_checks import check_display_name, check_metadata, required, without_nulls
from batch_emulator.service.state import State

# The last one is a record of older api-versions, as `resourceTags` is.
_ANY_TIME = ("startTask", "applicationPackageReferences", "metadata", "targetNodeCommunicationMode")
_WHILE_EMPTY = (
    "displayName",
    "vmSize",
    "enableInterNodeCommunication",
    "virtualMachineConfiguration",
    "taskSlotsPerNode",
    "taskSchedulingPolicy",
    "networkConfiguration",
    "userAccounts",
    "mountConfiguration",
    "upgradePolicy",
    "resourceTags",
)


def find(state: State, pool_id: str) -> PoolRoom:
    """A pool. :raises BatchError: ``PoolNotFound``."""
    room = state.pools.get(pool_id)
    if room is None:
        raise BatchError(POOL_NOT_FOUND)
    return room


def find_writable(state: State, pool_id: str) -> PoolRoom:
    """A pool that may be changed. :raises BatchError: ``PoolNotFound`` or ``PoolBeingDeleted``."""
    room = find(state, pool_id)
    if room.pool.state == "deleting":
        raise BatchError(POOL_BEING_DELETED)
    return room


def create(state: State, body: Json, identity: Json | None = None) -> Pool:
    """Add a pool, of fixed size or with a formula.

    :param identity: ``{"type", "userAssignedIdentities": [{"resourceId", ...}]}``; only the management plane
        can give one.
    """
    body = without_nulls(body)
    pool_id = check_id(body.get("id"))
    existing = state.pools.get(pool_id)
    if existing is not None:
        raise BatchError(POOL_ID_STILL_DELETING if existing.pool.state == "deleting" else POOL_EXISTS)
    return enter(state, pool_id, make_pool_spec(body), body, identity)


def enter(state: State, pool_id: str, spec: Json, sizing: Json, identity: Json | None = None) -> Pool:
    """Add a pool whose specification was checked; the account has none of that id.

    :param sizing: holds the targets, or the autoscale settings.
    :raises BatchError: targets or formula are wrong, packages are not there, or the quota is reached.
    """
    dedicated, low_priority = targets(sizing)
    scale = autoscaling.settings(sizing) if sizing.get("enableAutoScale") else {}
    check_pool_references(state, spec.get("applicationPackageReferences") or [])
    check_resources(state.account, spec)
    if len(state.pools) >= state.account.quotas.pools:
        raise BatchError(POOL_QUOTA_REACHED)
    pool = state.make(
        Pool,
        pool_id,
        {**spec, "enableAutoScale": bool(scale), **scale},
        allocation_state_transition_time=state.now,
        identity=identity,
    )
    room = PoolRoom(pool)
    state.pools.add(pool_id, room)
    state.story.add(state.now, "pool", pool, None, "active", "created")
    state.changed(pool)
    if scale:
        autoscaling.begin(state, room)
    elif dedicated or low_priority:
        resizing.start(state, room, dedicated, low_priority, "requeue", parse_duration(spec["resizeTimeout"]))
    return pool


def patch(state: State, pool_id: str, body: Json) -> Pool:
    """Change what is given. Most properties may be changed only while the pool is empty.

    Start task and packages reach existing nodes when they reboot.
    """
    room = find_writable(state, pool_id)
    body = without_nulls(body)
    for name in body:
        if name not in (*_ANY_TIME, *_WHILE_EMPTY):
            raise invalid(name, body[name], "The property cannot be changed")
        if name in _WHILE_EMPTY and (len(room.nodes) or room.pool.allocation_state != "steady"):
            raise conflict(
                OPERATION_INVALID_FOR_CURRENT_STATE, f"{name} may be changed only while the pool is empty"
            )
    merged = _merge(state, room.pool, body)
    return _set_spec(state, room, merged)


def _merge(state: State, pool: Pool, body: Json) -> Json:
    check_display_name(body)
    check_metadata(body)
    check_pool_references(state, body.get("applicationPackageReferences") or [])
    spec = {**pool.spec, **body}
    for name, check in SECTIONS.items():
        if name in body:
            spec[name] = check(body[name])
    if "vmSize" in body or "taskSlotsPerNode" in body:
        make_pool_spec({**spec, "userAccounts": [], "id": pool.id})
        spec["taskSlotsPerNode"] = task_slots(spec, spec["vmSize"])
    fit_together(spec)
    # What a pool was given before is there: only what is new is looked for.
    check_resources(state.account, body)
    return {name: value for name, value in spec.items() if value != []}


def replace_properties(state: State, pool_id: str, body: Json) -> Pool:
    """Set start task, packages and metadata; a start task left out is removed."""
    room = find_writable(state, pool_id)
    body = without_nulls(body)
    required(body, "applicationPackageReferences")
    required(body, "metadata")
    check_metadata(body)
    check_pool_references(state, body["applicationPackageReferences"])
    spec = {name: value for name, value in room.pool.spec.items() if name not in _ANY_TIME}
    spec.update({name: body[name] for name in ("applicationPackageReferences", "metadata") if body[name]})
    if "startTask" in body:
        spec["startTask"] = start_task(body["startTask"])
    if "targetNodeCommunicationMode" in body:
        spec["targetNodeCommunicationMode"] = body["targetNodeCommunicationMode"]
    return _set_spec(state, room, spec)


def _set_spec(state: State, room: PoolRoom, spec: Json) -> Pool:
    room.pool.spec = spec
    state.touch(room.pool)
    state.changed(room.pool)
    state.schedule(room.pool.id)
    return room.pool


def resize(state: State, pool_id: str, body: Json) -> Pool:
    """Set new targets; one that is left out stays."""
    room = find(state, pool_id)
    resizing.refuse_unless_steady(room.pool)
    body = without_nulls(body)
    if room.pool.spec["enableAutoScale"]:
        raise conflict(RESIZE_WITH_AUTO_SCALE, "The pool has autoscale enabled; disable it to resize by hand")
    dedicated, low_priority = target(body, "targetDedicatedNodes"), target(body, "targetLowPriorityNodes")
    if dedicated is None and low_priority is None:
        raise invalid("targetDedicatedNodes", "", "At least one target must be given")
    timeout = resize_timeout(body)
    option = body.get("nodeDeallocationOption", "requeue")
    room.pool.spec = {**room.pool.spec, "resizeTimeout": timeout}
    resizing.start(
        state,
        room,
        room.pool.target_dedicated if dedicated is None else dedicated,
        room.pool.target_low_priority if low_priority is None else low_priority,
        option,
        parse_duration(timeout),
    )
    return room.pool


def stop_resize(state: State, pool_id: str) -> Pool:
    """End a resize where it is."""
    room = find_writable(state, pool_id)
    resizing.stop(state, room)
    return room.pool


def remove_nodes(state: State, pool_id: str, body: Json) -> Pool:
    """Take up to a hundred given nodes out of the pool."""
    room = find(state, pool_id)
    resizing.refuse_unless_steady(room.pool)
    body = without_nulls(body)
    names = {name.lower() for name in required(body, "nodeList")}
    if not 1 <= len(names) <= MAX_REMOVED_NODES:
        raise invalid("nodeList", len(names), f"From 1 to {MAX_REMOVED_NODES} nodes may be removed at once")
    if room.pool.spec["enableAutoScale"]:
        raise conflict(RESIZE_WITH_AUTO_SCALE, "The pool has autoscale enabled")
    nodes: list[Node] = []
    for name in sorted(names):
        node = room.nodes.get(name)
        if node is None:
            raise conflict(NODE_NOT_FOUND, f"The pool has no node {name}")
        nodes.append(node)
    option = body.get("nodeDeallocationOption", "requeue")
    resizing.remove_nodes(state, room, nodes, option, parse_duration(resize_timeout(body)))
    return room.pool


def delete(state: State, pool_id: str) -> Pool:
    """Remove a pool. Its jobs stay, and their tasks wait for a pool of that id."""
    room = find_writable(state, pool_id)
    pool = room.pool
    state.move(pool, "deleting", "requested")
    pool.next_auto_scale_at = pool.resize_deadline = None
    pool.target_dedicated = pool.target_low_priority = 0
    pool.awaits_capacity = []
    if pool.allocation_state == "stopping" or (pool.allocation_state == "steady" and len(room.nodes)):
        state.move_allocation(pool, "resizing", "the pool is deleted")
    for node in list(room.nodes.values()):
        node_life.leave(state, node, "requeue", "the pool is deleted")
    state.check_pool(pool)
    return pool
