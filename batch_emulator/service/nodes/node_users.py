"""User accounts on single nodes, for remote login.

One machine has no machines to log in to: an account is kept with the node until it expires or the node's
machine is replaced, and gives nobody access. Its password and key are kept nowhere.

Source: *Compute Node - Add User*, *Update User*, *Delete User*.
"""

from __future__ import annotations

from batch_emulator.service.entities import Json, Node
from batch_emulator.service.error_kinds import NODE_USER_EXISTS, NODE_USER_NOT_FOUND, invalid
from batch_emulator.service.errors import BatchError
from batch_emulator.service.limits import MAX_USER_NAME_LENGTH
from batch_emulator.service.nodes.node_operations import find_writable, refuse_unless
from batch_emulator.service.pools.pool_assumptions import NODE_USER_LIFETIME
from batch_emulator.service.spec_checks import required, without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.times import format_time, parse_time

_WORKING = ("idle", "running")
_NOT_IN_NAMES = set(" /:")


def create(state: State, pool_id: str, node_id: str, body: Json) -> Node:
    """Add a user to a node that is idle or running.

    :param body: ``BatchNodeUserCreateOptions``.
    :raises BatchError: also ``NodeUserExists``.
    """
    node = _usable(state, pool_id, node_id)
    body = without_nulls(body)
    name = str(required(body, "name"))
    if not name or len(name) > MAX_USER_NAME_LENGTH:
        raise invalid("name", name, f"A user name has from 1 to {MAX_USER_NAME_LENGTH} characters")
    if not name.isprintable() or set(name) & _NOT_IN_NAMES:
        raise invalid("name", name, "No system has users of such names")
    if name.lower() in users_of(state, node):
        raise BatchError(NODE_USER_EXISTS)
    _keep(state, node, {"name": name, "isAdmin": body.get("isAdmin", False)}, body)
    return node


def replace(state: State, pool_id: str, node_id: str, name: str, body: Json) -> Node:
    """Set password, key and expiry time of a user; an expiry time left out is the default again."""
    node = _usable(state, pool_id, node_id)
    user = users_of(state, node).get(name.lower())
    if user is None:
        raise BatchError(NODE_USER_NOT_FOUND)
    _keep(state, node, user, without_nulls(body))
    return node


def delete(state: State, pool_id: str, node_id: str, name: str) -> Node:
    """Remove a user from a node."""
    node = _usable(state, pool_id, node_id)
    users = users_of(state, node)
    if users.pop(name.lower(), None) is None:
        raise BatchError(NODE_USER_NOT_FOUND)
    node.users = users
    state.changed(node)
    return node


def users_of(state: State, node: Node) -> dict[str, Json]:
    """The users that may log in now, by lower-case name."""
    return {
        name: user for name, user in node.users.items() if parse_time(str(user["expiryTime"])) > state.now
    }


def _usable(state: State, pool_id: str, node_id: str) -> Node:
    node = find_writable(state, pool_id, node_id)
    refuse_unless(node, _WORKING)
    return node


def _keep(state: State, node: Node, user: Json, body: Json) -> None:
    expiry = parse_time(body["expiryTime"]) if "expiryTime" in body else state.now + NODE_USER_LIFETIME
    if expiry <= state.now:
        raise invalid("expiryTime", body["expiryTime"], "The time is over")
    kept = {**user, "expiryTime": format_time(expiry)}
    node.users = {**users_of(state, node), str(user["name"]).lower(): kept}
    state.changed(node)
