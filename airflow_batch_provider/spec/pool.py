"""A pool as an author declares it: a pure record that checks itself at DAG parse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_batch_provider.spec.checks import (
    Count,
    check_choice,
    check_count,
    check_plain,
    check_records,
    kinds_named,
    rendered,
)
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import BlobRef, Render, is_template
from airflow_batch_provider.spec.image import Image
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.options import display_name, environment_pairs
from airflow_batch_provider.spec.scale import AutoScale, FixedScale
from airflow_batch_provider.spec.values import metadata_wire, present, secrets_in, without_secrets
from airflow_batch_provider.spec.vm_size import check_vm_size

if TYPE_CHECKING:
    from airflow_batch_provider.spec.disks import DataDisk, DiskEncryption, OsDisk
    from airflow_batch_provider.spec.extensions import Extension
    from airflow_batch_provider.spec.file_access import JobFileAccess
    from airflow_batch_provider.spec.latest_image import LatestImage
    from airflow_batch_provider.spec.mounts import Mount
    from airflow_batch_provider.spec.network import Network
    from airflow_batch_provider.spec.packages import Package
    from airflow_batch_provider.spec.pool_containers import Containers
    from airflow_batch_provider.spec.start_task import StartTask
    from airflow_batch_provider.spec.upgrades import UpgradePolicy
    from airflow_batch_provider.spec.user_accounts import UserAccount

# Azure Batch: *Service quotas and limits*.
MAX_TASK_SLOTS = 256
MAX_PACKAGES = 10
# Azure Batch REST reference: *Add pool*, mountConfiguration.
MAX_MOUNTS = 10
# Of a fingerprint, in an id: enough to tell the declarations of one pool apart.
_SUFFIX = 8

# Properties of the wire model that have no field of their own here and are passed on as they are.
PASSED_ON = ("networkConfiguration", "userAccounts", "mountConfiguration", "upgradePolicy")
_VM_CONFIGURATION = (
    "windowsConfiguration",
    "dataDisks",
    "licenseType",
    "containerConfiguration",
    "diskEncryptionConfiguration",
    "nodePlacementConfiguration",
    "extensions",
    "osDisk",
    "securityProfile",
    "serviceArtifactReference",
)
# One record, or a list of records.
_RECORDS = {
    "start_task": "StartTask",
    "network": "Network",
    "containers": "Containers",
    "os_disk": "OsDisk",
    "disk_encryption": "DiskEncryption",
    "upgrade": "UpgradePolicy",
}
_LISTS = {
    "data_disks": ("DataDisk",),
    "users": ("UserAccount",),
    "mounts": ("BlobMount", "FileShareMount", "NfsMount", "CifsMount"),
    "extensions": ("Extension",),
}


class Account(Protocol):
    """The Batch account a pool is made in."""

    @property
    def account_resource_id(self) -> str:
        """The account's full ARM id."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Compute nodes of one kind.

    Text may hold Jinja; Airflow renders it before the pool is made.

    Parameters:
        id: the pool's id, up to 64 letters, digits, ``-`` and ``_``.
        id_by_fingerprint: add a fingerprint of the declaration to the id, so that another declaration is
            another pool and never meets the former one's drift. The former pool stays until it is deleted.
        vm_size: size of the nodes, such as ``standard_d4s_v3``.
        image: operating system of the nodes.
        scale: how many nodes: ``FixedScale``, ``AutoScale`` or a named formula such as ``pending_tasks(10)``.
        task_slots: tasks (or task slots) that run on a node at once, at most 4 per core and 256.
        fill: ``spread`` tasks over nodes, or ``pack`` them on as few as possible.
        start_task: prepares each node.
        packages: application packages to install, as ``"name==version"`` or ``Package``; at most 10.
        metadata: names and values for your own use.
        inter_node_communication: whether nodes may talk to each other, for multi-instance tasks.
        display_name: for people.
        network: subnet, public addresses and inbound endpoints.
        containers: images and registries, for tasks in containers.
        mounts: file systems on every node, at most 10.
        users: accounts on every node.
        identities: ARM ids of user-assigned managed identities. Those that registries, mounts and disk
            encryption name are added. Such a pool is made through the management plane: the connection has
            to name subscription and resource group.
        os_disk, data_disks, disk_encryption: the nodes' disks.
        extensions: virtual machine extensions.
        placement: ``regional``, or ``zonal`` over the zones of the region; None: as the service decides.
        upgrade: how nodes get a newer version of their image.
        job_order: of jobs of the same priority: ``none``, or ``creationtime`` for the oldest first.
        license_type: ``Windows_Server`` or ``Windows_Client`` for licences that you have.
        vm_configuration: further properties of the wire model VirtualMachineConfiguration, as they are:
            securityProfile, windowsConfiguration, serviceArtifactReference; or those above in wire form.
        properties: networkConfiguration, userAccounts, mountConfiguration, upgradePolicy in wire form.
    """

    id: str
    vm_size: str
    image: Image | LatestImage = Image.UBUNTU_22_04
    scale: FixedScale | AutoScale = field(default_factory=FixedScale)
    task_slots: Count = 1
    fill: Literal["spread", "pack"] = "spread"
    start_task: StartTask | None = None
    packages: Sequence[Package | str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    inter_node_communication: bool = False
    display_name: str | None = None
    network: Network | None = None
    containers: Containers | None = None
    mounts: Sequence[Mount] = ()
    users: Sequence[UserAccount] = ()
    identities: Sequence[str] = ()
    os_disk: OsDisk | None = None
    data_disks: Sequence[DataDisk] = ()
    disk_encryption: DiskEncryption | None = None
    extensions: Sequence[Extension] = ()
    placement: Literal["regional", "zonal"] | None = None
    upgrade: UpgradePolicy | None = None
    job_order: Literal["none", "creationtime"] | None = None
    license_type: str | None = None
    # In wire form they may hold secrets.
    vm_configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id_by_fingerprint: bool = False

    def __post_init__(self) -> None:
        where = f"pool {self.id!r}"
        if not (isinstance(self.id, str) and is_template(self.id)):
            check_id(f"{self.id}-{'0' * _SUFFIX}" if self.id_by_fingerprint else self.id, where="pool")
        if not isinstance(self.vm_size, str) or not self.vm_size.strip():
            raise SpecError(
                f"vm_size is {self.vm_size!r}", where=where, right="Name a VM size such as 'standard_d4s_v3'."
            )
        check_plain(self.vm_size, lambda plain: check_vm_size(plain, where))
        self._check_kinds(where)
        if identities := self.identity_ids:
            from airflow_batch_provider.spec.arm_ids import check_identity

            for identity in identities:
                check_plain(identity, lambda plain: check_identity(plain, where))
        environment_pairs(self.metadata, where=where, name="metadata")
        slots = check_count(self.task_slots, 1, MAX_TASK_SLOTS, where=f"task_slots of {where}")
        object.__setattr__(self, "task_slots", slots)
        object.__setattr__(self, "packages", self._packages(where))
        if self.inter_node_communication and slots != 1 and not isinstance(slots, str):
            # Azure Batch: *Use multi-instance tasks*: such tasks stay active for ever on other pools.
            raise SpecError(
                f"task_slots is {slots} with inter_node_communication",
                where=where,
                right="Multi-instance tasks need one task slot per node; leave task_slots out.",
            )
        display_name(self.display_name, where)
        _check_names(self.properties, PASSED_ON, f"properties of {where}")
        _check_names(self.vm_configuration, _VM_CONFIGURATION, f"vm_configuration of {where}")

    @property
    def fingerprint(self) -> str:
        """Hash of all that the pool is declared with but secrets; the same for the same declaration."""
        wire = without_secrets({"id": self.id, **self._body(_NamedAccount(), _PlainFiles())})
        if self.identity_ids:
            wire["identity"] = sorted(identity.lower() for identity in self.identity_ids)
        return hashlib.sha256(json.dumps(wire, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def pool_id(self) -> str:
        """The id that the pool has in the service."""
        return f"{self.id}-{self.fingerprint[:_SUFFIX]}" if self.id_by_fingerprint else self.id

    @property
    def identity_ids(self) -> tuple[str, ...]:
        """The managed identities that its nodes need: those given, and those its parts name."""
        needed = [
            *self.identities,
            *(self.containers.identities if self.containers else ()),
            *(getattr(mount, "identity", None) for mount in self.mounts),
            self.disk_encryption.key_identity if self.disk_encryption else None,
        ]
        return tuple({identity.lower(): identity for identity in reversed(needed) if identity}.values())[::-1]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever it might be printed."""
        return tuple(secrets_in(self._body(_NamedAccount(), _PlainFiles())))

    def rendered(self, render: Render) -> Pool:
        """The pool with its Jinja rendered, checked anew.

        Raises:
            SpecError: what came out is not a pool the service would accept.
        """
        return rendered(self, render)

    def to_wire(self, account: Account, files: JobFileAccess | None = None) -> dict[str, Any]:
        """The wire model BatchPoolCreateOptions.

        Parameters:
            account: the Batch account; asked for its ARM id only when there are packages.
            files: gives nodes access to the start task's blobs; None: the start task has none.
        """
        return {"id": self.pool_id, **self._body(account, files)}

    def _body(self, account: Account, files: JobFileAccess | None) -> dict[str, Any]:
        """All of the wire model but the id."""
        machine = {**self.image.to_wire(), **self._machine(), **self.vm_configuration}
        wire: dict[str, Any] = {
            "vmSize": self.vm_size,
            "virtualMachineConfiguration": machine,
            **self.scale.to_wire(),
            "taskSlotsPerNode": self.task_slots,
            "taskSchedulingPolicy": present({"nodeFillType": self.fill, "jobDefaultOrder": self.job_order}),
            "enableInterNodeCommunication": self.inter_node_communication,
            **self._surroundings(),
            **self.properties,
        }
        if self.display_name is not None:
            wire["displayName"] = self.display_name
        if self.start_task is not None:
            wire["startTask"] = self.start_task.to_wire(files or _PlainFiles(), self.image.system)
        if self.packages:
            from airflow_batch_provider.spec.packages import Package

            resource_id = account.account_resource_id
            wire["applicationPackageReferences"] = [
                Package.parse(package).for_pool(resource_id) for package in self.packages
            ]
        if self.metadata:
            wire["metadata"] = metadata_wire(self.metadata)
        return wire

    def _machine(self) -> dict[str, Any]:
        """The optional part of the wire model VirtualMachineConfiguration."""
        return present(
            {
                "containerConfiguration": self.containers.to_wire() if self.containers else None,
                "osDisk": self.os_disk.to_wire() if self.os_disk else None,
                "dataDisks": [disk.to_wire() for disk in self.data_disks],
                "diskEncryptionConfiguration": self.disk_encryption.to_wire()
                if self.disk_encryption
                else None,
                "extensions": [extension.to_wire() for extension in self.extensions],
                "nodePlacementConfiguration": {"policy": self.placement} if self.placement else None,
                "licenseType": self.license_type,
            }
        )

    def _surroundings(self) -> dict[str, Any]:
        return present(
            {
                "networkConfiguration": self.network.to_wire() if self.network else None,
                "userAccounts": [user.to_wire() for user in self.users],
                "mountConfiguration": [mount.to_wire() for mount in self.mounts],
                "upgradePolicy": self.upgrade.to_wire() if self.upgrade else None,
            }
        )

    def _check_kinds(self, where: str) -> None:
        if not isinstance(self.scale, (FixedScale, AutoScale)):
            raise SpecError(
                f"scale is {self.scale!r}",
                where=where,
                right="It is FixedScale(...), AutoScale(...) or a named formula such as pending_tasks(10).",
            )
        check_choice(self.fill, ("spread", "pack"), what="fill", where=where)
        check_choice(self.placement, (None, "regional", "zonal"), what="placement", where=where)
        check_choice(self.job_order, (None, "none", "creationtime"), what="job_order", where=where)
        for name, kind in _RECORDS.items():
            record = getattr(self, name)
            if record is not None and not isinstance(record, kinds_named(kind)):
                raise SpecError(f"{name} is no {kind}", where=where, right=f"Give {kind}(...).")
        for name, kinds in _LISTS.items():
            if (records := getattr(self, name)) != ():
                check_records(records, kinds_named(*kinds), what=name, where=where)
        check_records(self.identities, str, what="identities", where=where)
        if len(self.mounts) > MAX_MOUNTS:
            raise SpecError(
                f"it has {len(self.mounts)} mounts", where=where, right=f"A pool takes at most {MAX_MOUNTS}."
            )
        if not isinstance(self.image, Image) and not isinstance(self.image, kinds_named("LatestImage")):
            raise SpecError(
                f"image is {self.image!r}",
                where=where,
                right="It is Image.UBUNTU_22_04, Image(...) or LatestImage(...).",
            )

    def _packages(self, where: str) -> tuple[Package, ...]:
        if isinstance(self.packages, str):
            raise SpecError(
                f"packages is the text {self.packages!r}", where=where, right=f"Write [{self.packages!r}]."
            )
        if self.packages == ():
            return ()
        from airflow_batch_provider.spec.packages import Package

        packages = tuple(Package.parse(package) for package in self.packages)
        if len(packages) > MAX_PACKAGES:
            raise SpecError(
                f"it has {len(packages)} packages", where=where, right=f"A pool takes at most {MAX_PACKAGES}."
            )
        return packages


def _check_names(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f"Passed on are {', '.join(known)}."
            raise SpecError(f"unknown property {name!r}", where=where, right=hint)


class _NamedAccount:
    """Stands for whatever account the pool is made in: a fingerprint does not depend on it."""

    account_resource_id = ""


class _PlainFiles:
    """Files by their names alone, without access: what a fingerprint depends on."""

    def holds(self, ref: BlobRef) -> bool:
        return True

    def resource_file(self, ref: BlobRef, path: str) -> dict[str, Any]:
        return {"httpUrl": str(ref), "filePath": path}

    def resource_prefix(self, container: str, prefix: str, path: str) -> dict[str, Any]:
        return {"storageContainerUrl": container, "blobPrefix": prefix, "filePath": path}

    def container_destination(self, container: str, path: str) -> dict[str, Any]:
        return {"containerUrl": container, "path": path}
