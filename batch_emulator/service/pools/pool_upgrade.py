"""How a pool's machines are upgraded: a record, as there is no operating system to upgrade.

Source: *UpgradePolicy*, *RollingUpgradePolicy* of the REST reference.
"""

from __future__ import annotations

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid
from batch_emulator.service.spec_checks import required, span_of, whole_number

_WHERE = "upgradePolicy"
_ROLLING = f"{_WHERE}.rollingUpgradePolicy"
_PERCENTS = {
    "maxBatchInstancePercent": 5,
    "maxUnhealthyInstancePercent": 5,
    "maxUnhealthyUpgradedInstancePercent": 0,
}


def upgrade_policy(body: Json) -> Json:
    """An upgrade policy, checked. :raises BatchError: ``InvalidPropertyValue``."""
    required(body, "mode", f"{_WHERE}.mode")
    rolling = body.get("rollingUpgradePolicy") or {}
    for name, least in _PERCENTS.items():
        whole_number(rolling, name, 100, least, 100, f"{_ROLLING}.{name}")
    batch, unhealthy = rolling.get("maxBatchInstancePercent"), rolling.get("maxUnhealthyInstancePercent")
    if batch is not None and unhealthy is not None and batch > unhealthy:
        reason = "It may not be more than maxUnhealthyInstancePercent"
        raise invalid(f"{_ROLLING}.maxBatchInstancePercent", batch, reason)
    span_of(rolling, "pauseTimeBetweenBatches", path=f"{_ROLLING}.pauseTimeBetweenBatches")
    return body


def check_zones(policy: Json, machine: Json) -> None:
    """Batches over several zones need nodes in several zones."""
    placement = (machine.get("nodePlacementConfiguration") or {}).get("policy", "regional")
    rolling = policy.get("rollingUpgradePolicy") or {}
    if "enableCrossZoneUpgrade" in rolling and placement != "zonal":
        where = f"{_ROLLING}.enableCrossZoneUpgrade"
        raise invalid(where, rolling["enableCrossZoneUpgrade"], "The pool's node placement is not zonal")
