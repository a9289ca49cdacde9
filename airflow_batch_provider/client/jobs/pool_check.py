"""Whether a job's pool is there and can run its tasks: neither is an error to the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Say, Script
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.pool_fit import PoolFit

_PROPERTIES = ("id", "state", "taskSlotsPerNode", "enableInterNodeCommunication", "identity")


def check_pool(options: JobOptions, graph: JobGraph, node_identity: str | None) -> Script[None]:
    """Refuse what the service accepts and then lets wait for ever.

    Parameters:
        options: of the job, which name the pool.
        graph: the job's tasks.
        node_identity: the identity that the connection names for nodes, if it names one.

    Raises:
        Refusal: the pool does not exist.
        SpecError: a task can never run on it.
    """
    if (auto := options.auto_pool) is not None:
        auto.check_fits(graph)
        return
    pool_id = options.pool_label
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
