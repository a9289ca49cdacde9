"""The addresses and ports under which a node of a pool would be reached.

Source: *InboundEndpoint*, *Compute Node - Get Remote Login Settings*; names and ports as recorded.
"""

from __future__ import annotations

from typing import NamedTuple

from batch_emulator.service.entities import Json, Node, Pool
from batch_emulator.service.pools.images import os_type_of
from batch_emulator.service.pools.pool_assumptions import (
    PUBLIC_ADDRESS,
    PUBLIC_IPV6_ADDRESS,
    PUBLIC_NAME,
    REMOTE_LOGIN_BACKEND,
    REMOTE_LOGIN_FRONTEND,
    REMOTE_LOGIN_PORTS,
    REMOTE_LOGIN_RULE,
)
from batch_emulator.service.pools.pool_network import has_public_addresses, is_dual_stack, nat_pools_of


class RemoteLogin(NamedTuple):
    """Where to log in to a node; ``ipv6_address`` is ``None`` unless the pool is dual-stack."""

    address: str
    port: int
    ipv6_address: str | None


def inbound_endpoints(pool: Pool, node: Node) -> list[Json]:
    """A node's endpoints in wire form: one for each NAT pool, and the one for remote login as the last."""
    if not has_public_addresses(pool.spec):
        return []
    found = [
        _endpoint(
            nat_pool["name"],
            node,
            nat_pool["protocol"],
            _port(node, nat_pool["frontendPortRangeStart"], nat_pool["frontendPortRangeEnd"]),
            nat_pool["backendPort"],
        )
        for nat_pool in nat_pools_of(pool.spec)
    ]
    backend = REMOTE_LOGIN_BACKEND[os_type_of(pool.spec)]
    return [*found, _endpoint(REMOTE_LOGIN_RULE, node, "tcp", _login_port(node), backend)]


def remote_login(pool: Pool, node: Node) -> RemoteLogin | None:
    """Where to log in to a node; ``None`` if it cannot be reached from outside."""
    if not has_public_addresses(pool.spec):
        return None
    ipv6 = PUBLIC_IPV6_ADDRESS if is_dual_stack(pool.spec) else None
    return RemoteLogin(PUBLIC_ADDRESS, _login_port(node), ipv6)


def ipv6_address(pool: Pool, node: Node) -> str | None:
    """The node's own IPv6 address: its IPv4 address in a private network."""
    if not node.ip_address or not is_dual_stack(pool.spec):
        return None
    return "fd00::" + ":".join(f"{int(part):x}" for part in node.ip_address.split("."))


def _endpoint(name: str, node: Node, protocol: str, frontend: int, backend: int) -> Json:
    return {
        "name": f"{name}.{node.place}",
        "protocol": protocol,
        "publicIPAddress": PUBLIC_ADDRESS,
        "publicFQDN": PUBLIC_NAME,
        "frontendPort": frontend,
        "backendPort": backend,
    }


def _port(node: Node, first: int, last: int) -> int:
    return first + node.place % (last - first + 1)


def _login_port(node: Node) -> int:
    return REMOTE_LOGIN_FRONTEND + node.place % REMOTE_LOGIN_PORTS
