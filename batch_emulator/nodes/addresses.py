"""Addresses for nodes that share one machine."""

from __future__ import annotations

import hashlib

__all__ = ["node_address"]


def node_address(pool_id: str, node_id: str) -> str:
    """An address of the loopback network that stays the same for a node.

    All of 127.0.0.0/8 is this machine: what a task on the node binds to its address, others reach there.
    """
    digest = hashlib.sha256(f"{pool_id}/{node_id}".lower().encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{4 + digest[2] % 250}"
