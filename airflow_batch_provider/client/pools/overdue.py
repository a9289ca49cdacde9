"""Formulas that the service has stopped evaluating, as it now and then does for hours. Set anew, they are
evaluated at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow_batch_provider.client.pools.pool_drift import seconds_of
from airflow_batch_provider.client.pools.pool_requests import enable_auto_scale
from airflow_batch_provider.client.requests.spans import moment
from airflow_batch_provider.client.requests.steps import Refusal, Say, Script

_INTERVALS, _AT_LEAST = 3, 1800.0
"""So many intervals, and seconds, after an evaluation the next one is overdue: some minutes are usual."""


def set_anew_if_overdue(pool: Mapping[str, Any], now: Callable[[], float] = time.time) -> Script[None]:
    """Set a pool's own formula again if it was not evaluated for long. No task fails of it.

    Parameters:
        pool: the wire model BatchPool.
        now: the time in seconds since the epoch.
    """
    last = str((pool.get("autoScaleRun") or {}).get("timestamp") or "")
    interval = seconds_of(str(pool.get("autoScaleEvaluationInterval") or ""))
    if not pool.get("enableAutoScale") or pool.get("allocationState") != "steady" or not last or not interval:
        return
    if now() - moment(last).timestamp() < max(_AT_LEAST, _INTERVALS * interval):
        return
    yield Say(f"The formula of pool {pool['id']} was not evaluated since {last}: it is set anew", "warning")
    try:
        yield from enable_auto_scale(pool["id"], pool)
    except Refusal as refusal:
        yield Say(f"The formula of pool {pool['id']} could not be set anew: {refusal}", "warning")
