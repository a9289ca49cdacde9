"""How the operating system of a pool's nodes is upgraded while they live."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.spec.checks import check_choice, check_count, check_duration
from airflow_batch_provider.spec.values import iso_duration, present


@dataclass(frozen=True, kw_only=True)
class UpgradePolicy:
    """How nodes get a newer version of their image.

    Parameters:
        mode: ``manual``, ``automatic`` (all at once) or ``rolling`` (in batches).
        automatic_os: upgrade when the image has a newer version.
        defer_while_busy: not while tasks run on the node.
        rollback: go back to the former version when an upgrade fails.
        batch_percent: of the nodes at once, 5 to 100, for ``rolling``.
        pause: between batches, for ``rolling``.
    """

    mode: Literal["manual", "automatic", "rolling"] = "manual"
    automatic_os: bool = False
    defer_while_busy: bool = True
    rollback: bool = True
    batch_percent: int | None = None
    pause: dt.timedelta | None = None

    def __post_init__(self) -> None:
        where = "upgrade policy of a pool"
        check_choice(self.mode, ("manual", "automatic", "rolling"), what="mode", where=where)
        if self.batch_percent is not None:
            check_count(self.batch_percent, 5, 100, where=f"batch_percent of the {where}")
        if self.pause is not None:
            check_duration(self.pause, dt.timedelta(0), dt.timedelta(days=7), where=f"pause of the {where}")

    def to_wire(self) -> dict[str, Any]:
        """The wire model UpgradePolicy."""
        rolling = present(
            {
                "maxBatchInstancePercent": self.batch_percent,
                "pauseTimeBetweenBatches": iso_duration(self.pause) if self.pause is not None else None,
            }
        )
        automatic = {
            "enableAutomaticOSUpgrade": True,
            "osRollingUpgradeDeferral": self.defer_while_busy,
            "disableAutomaticRollback": not self.rollback,
            "useRollingUpgradePolicy": self.mode == "rolling",
        }
        return present(
            {
                "mode": self.mode,
                "automaticOSUpgradePolicy": automatic if self.automatic_os else None,
                "rollingUpgradePolicy": rolling or None,
            }
        )
