"""The disks of a pool's nodes, and their encryption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.spec.checks import Count, check_choice, check_count, check_texts
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import present

Caching: TypeAlias = Literal["none", "readonly", "readwrite"]
DiskKind: TypeAlias = Literal["standard_lrs", "premium_lrs", "standardssd_lrs"]

_CACHING = ("none", "readonly", "readwrite")
_KINDS = ("standard_lrs", "premium_lrs", "standardssd_lrs")
MAX_GB = 32_767


@dataclass(frozen=True, kw_only=True)
class DataDisk:
    """An empty disk attached to every node; a start task has to partition, format and mount it.

    It gives room without a larger machine.

    Parameters:
        size_gb: gigabytes.
        lun: logical unit number, 0 to 63, unique within the pool.
        caching: None: ``none``.
        kind: storage account type; None: ``standard_lrs``.
    """

    size_gb: Count
    lun: Count = 0
    caching: Caching | None = None
    kind: DiskKind | None = None

    def __post_init__(self) -> None:
        where = f"data disk {self.lun}"
        # Text of digits, as Jinja gives it, becomes a number.
        size = check_count(self.size_gb, 1, MAX_GB, where=f"size_gb of {where}")
        object.__setattr__(self, "size_gb", size)
        object.__setattr__(self, "lun", check_count(self.lun, 0, 63, where=f"lun of {where}"))
        check_choice(self.caching, (None, *_CACHING), what="caching", where=where)
        check_choice(self.kind, (None, *_KINDS), what="kind", where=where)

    def to_wire(self) -> dict[str, Any]:
        """The wire model DataDisk."""
        kind = {"storageAccountType": self.kind} if self.kind else None
        wire = {"lun": self.lun, "diskSizeGB": self.size_gb, "caching": self.caching, "managedDisk": kind}
        return present(wire)


@dataclass(frozen=True, kw_only=True)
class OsDisk:
    """The disk with the operating system.

    Parameters:
        ephemeral: keep it on the node's own cache disk, which is fast and costs nothing, for sizes whose
            cache is large enough; what is on it is lost when a node is reimaged.
        size_gb: gigabytes; None: the image's.
        caching, kind: as for :class:`DataDisk`; None: as the service decides.
        write_accelerator: for sizes that have it; None: as the service decides.
    """

    ephemeral: bool = False
    size_gb: Count | None = None
    caching: Caching | None = None
    kind: DiskKind | None = None
    write_accelerator: bool | None = None

    def __post_init__(self) -> None:
        where = "OS disk of a pool"
        if self.size_gb is not None:
            size = check_count(self.size_gb, 1, MAX_GB, where=f"size_gb of the {where}")
            object.__setattr__(self, "size_gb", size)
        check_choice(self.caching, (None, *_CACHING), what="caching", where=where)
        check_choice(self.kind, (None, *_KINDS), what="kind", where=where)

    def to_wire(self) -> dict[str, Any]:
        """The wire model BatchOsDisk."""
        return present(
            {
                "ephemeralOSDiskSettings": {"placement": "cachedisk"} if self.ephemeral else None,
                "diskSizeGB": self.size_gb,
                "caching": self.caching,
                "managedDisk": {"storageAccountType": self.kind} if self.kind else None,
                "writeAcceleratorEnabled": self.write_accelerator,
            }
        )


@dataclass(frozen=True, kw_only=True)
class DiskEncryption:
    """What of the nodes' disks is encrypted beyond what Azure does by itself.

    Parameters:
        os_disk, temporary_disk: which of them; on Linux only the temporary disk can be named.
        key_url: a key of your own in a key vault.
        key_identity: ARM id of the managed identity that may use it; it is added to the pool's.
        follow_rotation: use the latest version of the key.
    """

    os_disk: bool = False
    temporary_disk: bool = True
    key_url: str | None = None
    key_identity: str | None = None
    follow_rotation: bool = True

    def __post_init__(self) -> None:
        where = "disk encryption of a pool"
        if bool(self.key_url) != bool(self.key_identity):
            raise SpecError(
                "key_url and key_identity go together", where=where, right="Give both, or neither."
            )
        if self.key_url is not None:
            check_texts(where, key_url=self.key_url)
        if not (self.os_disk or self.temporary_disk or self.key_url):
            raise SpecError(
                "it names no disk", where=where, right="Set os_disk or temporary_disk, or leave it out."
            )

    def to_wire(self) -> dict[str, Any]:
        """The wire model DiskEncryptionConfiguration."""
        targets = {"osdisk": self.os_disk, "temporarydisk": self.temporary_disk}
        key = {
            "keyUrl": self.key_url,
            "identityReference": {"resourceId": self.key_identity},
            "rotationToLatestKeyVersionEnabled": self.follow_rotation,
        }
        return present(
            {
                "targets": [name for name, wanted in targets.items() if wanted],
                "customerManagedKey": key if self.key_url else None,
            }
        )
