"""What the service asks the outside world to do.

Data only; the runtime carries it out and feeds events back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from batch_emulator.service.errors import Failure


@dataclass(frozen=True)
class PackageInstall:
    """An application package to be extracted on a node before work that names it.

    :param blob_name: where the package lies in the account's linked storage (container/blob).
    :param is_default: the reference gave no version, so the variable without version is set too.
    """

    application_id: str
    version: str
    blob_name: str
    is_default: bool


@dataclass(frozen=True)
class BootNode:
    """Make the node's directories, install the pool's packages, have its images at hand.

    Answered by NodeBooted/NodeBootFailed.

    :param containers: the pool's ``containerConfiguration``; ``None`` if it runs no containers.
    :param mounts: ``azureBlobFileSystemConfiguration`` of each of the pool's mounts.
    :param pool_identities: resource ids of the pool's user-assigned identities.
    """

    pool_id: str
    node_id: str
    boot_id: str
    is_dedicated: bool
    wipe: bool
    packages: tuple[PackageInstall, ...] = ()
    containers: dict[str, Any] | None = field(default=None, repr=False)  # it may hold passwords
    mounts: tuple[dict[str, Any], ...] = field(default=(), repr=False)  # they hold keys
    pool_identities: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleaseNode:
    """Kill everything on the node and remove its disk. Answered by NodeReleased."""

    pool_id: str
    node_id: str
    boot_id: str


@dataclass(frozen=True)
class Instance:
    """Which part of a multi-instance task a run is.

    :param number: 0 for the primary.
    :param hosts: (address, node id, cores) of all its nodes, the primary's first.
    """

    number: int
    hosts: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class StartRun:
    """Run one try of a command on a node. Answered by RunStarted (maybe) and RunEnded (once).

    :param run_id: names this try; a retry has another one.
    :param kind: ``start``, ``preparation``, ``release``, ``manager``, ``task``, or ``coordination``: the
        coordination command of one instance, after which the primary's command runs as ``task``.
    :param task_root: directory relative to the node's root: ``startup`` or ``workitems/{job}/job-1/{task}``.
    :param spec: the task in wire form: commandLine, resourceFiles, outputFiles, environmentSettings, ...
    :param environment: job-level and task-level settings, already merged in order; no AZ_BATCH_* in it.
    :param job_id: ``None`` for a start task.
    :param preparation_root: directory of the job's preparation task, if it has one.
    :param containers: the pool's ``containerConfiguration``; ``None`` if it runs no containers.
    :param mounts: as in :class:`BootNode`.
    """

    run_id: str
    kind: str
    pool_id: str
    node_id: str
    boot_id: str
    task_root: str
    spec: dict[str, Any] = field(repr=False)  # it may hold URLs with signatures
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    job_id: str | None = None
    task_id: str | None = None
    is_dedicated: bool = True
    preparation_root: str | None = None
    packages: tuple[PackageInstall, ...] = field(default=())
    pool_packages: tuple[PackageInstall, ...] = field(default=())
    pool_user_accounts: tuple[str, ...] = ()
    pool_identities: tuple[str, ...] = ()
    instance: Instance | None = None
    containers: dict[str, Any] | None = field(default=None, repr=False)
    mounts: tuple[dict[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class KillRun:
    """End the whole process tree of a run. RunEnded(killed=True) follows."""

    run_id: str
    reason: Failure | None = None


@dataclass(frozen=True)
class EndInstance:
    """Kill what a coordination command left behind on a node, before anything else is started there."""

    pool_id: str
    node_id: str
    task_root: str


@dataclass(frozen=True)
class RemoveTaskFiles:
    """Delete a task's directory on a node (retention over, task or job deleted)."""

    pool_id: str
    node_id: str
    task_root: str


@dataclass(frozen=True)
class DeletePackageBlob:
    """Delete an application package's blob from the linked storage."""

    blob_name: str


@dataclass(frozen=True)
class WakeAt:
    """Send TimeReached at (or soon after) this time."""

    at: datetime


Effect = (
    BootNode | ReleaseNode | StartRun | KillRun | EndInstance | RemoveTaskFiles | DeletePackageBlob | WakeAt
)
