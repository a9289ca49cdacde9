"""Whether a pool is there and can run tasks: neither is an error to the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Say, Script
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.pool_fit import PoolFit

_PROPERTIES = ("id", "state", "taskSlotsPerNode", "enableInterNodeCommunication", "identity")


def check_pool(pool_id: str, graph: JobGraph, node_identity: str | None) -> Script[None]:
    """Refuse what the service accepts and then lets wait for ever.

    Parameters:
        pool_id: the pool that a job has or will have.
        graph: tasks for it.
        node_identity: the identity that the connection names for nodes, if it names one.

    Raises:
        Refusal: the pool does not exist.
        SpecError: a task can never run on it.
    """
    wire: Mapping[str, Any] = yield from patiently(
        Call("get_pool", (pool_id,), {"select": list(_PROPERTIES)})
    )
    if node_identity and not _has_identity(wire, node_identity):
        yield Say(
            f"Pool {pool_id} does not have the identity {node_identity} that the connection names for its "
            "nodes, so tasks cannot read or write blobs by it. Assign it to the pool, or leave "
            "node_identity_resource_id out of the connection so that SAS are used.",
            "warning",
        )
    # Its size is left out: somebody may resize it yet, and the log tells what is missing meanwhile.
    talks = bool(wire.get("enableInterNodeCommunication"))
    PoolFit(f"pool {pool_id!r}", int(wire.get("taskSlotsPerNode") or 1), talks).check(graph)


def _has_identity(pool: Mapping[str, Any], wanted: str) -> bool:
    assigned = (pool.get("identity") or {}).get("userAssignedIdentities") or ()
    return any(str(item.get("resourceId")).lower() == wanted.lower() for item in assigned)
