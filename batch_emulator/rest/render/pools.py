"""Pools as the wire shows them. Source: Azure Batch REST reference, *Pool - Get*; recorded answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_emulator.rest.render.parts import pool_url, present, versioned, without_secrets
from batch_emulator.service.durations import format_duration
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.queries import PoolSize

# Named by the specification and by the pool's own attributes; the attributes are what holds now.
_TARGETS = ("targetDedicatedNodes", "targetLowPriorityNodes")


def render_pool(pool: Pool, size: PoolSize, base_url: str) -> Json:
    """A pool.

    :param size: the nodes that it has now.
    """
    spec = {name: value for name, value in pool.spec.items() if name not in _TARGETS}
    body = {"id": pool.id} | versioned(pool, pool_url(base_url, pool.id)) | without_secrets(spec)
    return body | present(
        {
            "allocationState": pool.allocation_state,
            "allocationStateTransitionTime": pool.allocation_state_transition_time,
            "currentDedicatedNodes": size.dedicated,
            "currentLowPriorityNodes": size.low_priority,
            "targetDedicatedNodes": pool.target_dedicated,
            "targetLowPriorityNodes": pool.target_low_priority,
            # Errors of a resize are told once it is over.
            "resizeErrors": (pool.allocation_state == "steady" and pool.resize_errors) or None,
            "autoScaleRun": pool.auto_scale_run,
            "identity": pool.identity,
        }
    )


def render_statistics(pool: Pool, dedicated_core_time: timedelta, now: datetime, base_url: str) -> Json:
    """Statistics of a pool since it was made. Not what its machines did: they are all this one."""
    since = present({"startTime": pool.creation_time, "lastUpdateTime": now})
    usage = {**since, "dedicatedCoreTime": format_duration(dedicated_core_time)}
    return {"url": f"{pool_url(base_url, pool.id)}/stats", **since, "usageStats": usage}
