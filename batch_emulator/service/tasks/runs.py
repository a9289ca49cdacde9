"""What all commands have in common that are started on nodes."""

from __future__ import annotations

from typing import Any

from batch_emulator.service.entities import Job, Json, Node, Pool
from batch_emulator.service.pools.pool_mounts import mounts_of
from batch_emulator.service.state import State


def environment_of(job: Job | None, spec: Json) -> tuple[tuple[str, str], ...]:
    """Settings of the job, overridden by those of the task. Source: *Environment settings for tasks*."""
    merged: dict[str, str] = {}
    settings = (job.spec.get("commonEnvironmentSettings") or ()) if job else ()
    for item in (*settings, *(spec.get("environmentSettings") or ())):
        merged[item["name"]] = item.get("value") or ""
    return tuple(merged.items())


def run_common(state: State, node: Node) -> dict[str, Any]:
    """The part of ``StartRun`` that speaks of the node and its pool."""
    pool = state.pool_room(node).pool
    return {
        "pool_id": node.pool_id,
        "node_id": node.id,
        "boot_id": node.boot_id,
        "is_dedicated": node.is_dedicated,
        "pool_user_accounts": tuple(account["name"] for account in pool.spec.get("userAccounts") or ()),
        "pool_identities": identities_of(pool),
        "containers": containers_of(pool),
        "mounts": mounts_of(pool.spec.get("mountConfiguration")),
    }


def identities_of(pool: Pool) -> tuple[str, ...]:
    """Resource ids of a pool's user-assigned identities."""
    assigned = (pool.identity or {}).get("userAssignedIdentities") or ()
    return tuple(identity["resourceId"] for identity in assigned)


def containers_of(pool: Pool) -> Json | None:
    """The container configuration of a pool, if it runs containers."""
    configuration: Json | None = pool.spec["virtualMachineConfiguration"].get("containerConfiguration")
    return configuration
