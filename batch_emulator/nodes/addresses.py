"""Private addresses for nodes that share one machine."""

from __future__ import annotations

import hashlib

__all__ = ["node_address"]


def node_address(pool_id: str, node_id: str) -> str:
    """An address of 10.0.0.0/8 that stays the same for a node. Nothing listens there."""
    digest = hashlib.sha256(f"{pool_id}/{node_id}".lower().encode()).digest()
    return f"10.{digest[0]}.{digest[1]}.{4 + digest[2] % 250}"
