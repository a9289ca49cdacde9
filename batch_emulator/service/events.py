"""What the outside world tells the service: nodes booted, processes ended, time passed.

An event names the *run* (or boot) it speaks of, so that news of an earlier run is recognised and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batch_emulator.service.errors import Failure
from batch_emulator.service.resource_use import NOTHING, ResourceUse


@dataclass(frozen=True)
class NodeObtained:
    """The machine is there; its agent is being started. May be left out before :class:`NodeBooted`."""

    pool_id: str
    node_id: str
    boot_id: str


@dataclass(frozen=True)
class NodeBooted:
    """The machine is up, its directories exist, the pool's packages are installed."""

    pool_id: str
    node_id: str
    boot_id: str
    ip_address: str


@dataclass(frozen=True)
class NodeBootFailed:
    """The machine is up but unusable, e.g. ``ApplicationPackageError``."""

    pool_id: str
    node_id: str
    boot_id: str
    failure: Failure


@dataclass(frozen=True)
class NodeReleased:
    """The machine is gone: its processes are dead and its disk is removed."""

    pool_id: str
    node_id: str
    boot_id: str


@dataclass(frozen=True)
class RunStarted:
    """The process of a run was launched, after its files were placed."""

    run_id: str
    at: datetime


@dataclass(frozen=True)
class RunEnded:
    """One try of a task, start task, preparation or release task is over, uploads included.

    :param exit_code: of the process; ``None`` if it never started.
    :param failure: a pre-processing or upload failure; ``None`` when only the exit code speaks.
    :param phase: where it ended: ``preprocessing``, ``process`` or ``upload``.
    :param killed: the service had asked for its end (``KillRun``).
    :param container: ``containerInfo`` in wire form, if it ran in one.
    :param use: what its process used.
    """

    run_id: str
    at: datetime
    exit_code: int | None = None
    failure: Failure | None = None
    phase: str = "process"
    killed: bool = False
    container: dict[str, Any] | None = None
    use: ResourceUse = NOTHING


@dataclass(frozen=True)
class RunLost:
    """The run vanished without a result (node agent died, emulator restarted)."""

    run_id: str


@dataclass(frozen=True)
class NodePreempted:
    """Spot capacity was taken back.

    :param away_seconds: until there is capacity again; ``None`` leaves it to the service.
    """

    pool_id: str
    node_id: str
    away_seconds: float | None = None


@dataclass(frozen=True)
class NodeLost:
    """The node's agent does not answer any more.

    :param away_seconds: until the service has found the node again; ``None`` is never.
    """

    pool_id: str
    node_id: str
    away_seconds: float | None = None


@dataclass(frozen=True)
class TimeReached:
    """The clock reached a time the service asked to be woken at (``WakeAt``)."""


Event = (
    NodeObtained
    | NodeBooted
    | NodeBootFailed
    | NodeReleased
    | RunStarted
    | RunEnded
    | RunLost
    | NodePreempted
    | NodeLost
    | TimeReached
)
