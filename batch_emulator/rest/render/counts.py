"""Numbers of nodes by pool and state.

Source: Azure Batch REST reference, *Account - List Pool Node Counts*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from batch_emulator.service.entities import Json, Node

# Node states as the counts spell them.
COUNTED_STATES = {
    "creating": "creating",
    "deallocated": "deallocated",
    "deallocating": "deallocating",
    "idle": "idle",
    "leavingpool": "leavingPool",
    "offline": "offline",
    "preempted": "preempted",
    "rebooting": "rebooting",
    "reimaging": "reimaging",
    "running": "running",
    "starting": "starting",
    "starttaskfailed": "startTaskFailed",
    "unknown": "unknown",
    "unusable": "unusable",
    "upgradingos": "upgradingOS",
    "waitingforstarttask": "waitingForStartTask",
}


def render_node_counts(pool_id: str, nodes: Iterable[Node]) -> Json:
    """An item of the list of node counts."""
    states = [(node.is_dedicated, node.state) for node in nodes]
    return {
        "poolId": pool_id,
        "dedicated": _counts(state for is_dedicated, state in states if is_dedicated),
        "lowPriority": _counts(state for is_dedicated, state in states if not is_dedicated),
    }


def _counts(states: Iterable[str]) -> Json:
    counted = Counter(states)
    counts = {name: counted[state] for state, name in COUNTED_STATES.items()}
    return {**counts, "total": counted.total()}
