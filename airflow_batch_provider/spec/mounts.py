"""File systems that are mounted on every node of a pool.

They are fixed when the pool is made; a pool of another name, or ``on_drift='recreate'``, takes others.
Keys and SAS are in no log and no fingerprint: take them from an Airflow connection, by Jinja.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from airflow_batch_provider.spec.checks import check_texts
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import identity_wire, present


@dataclass(frozen=True, kw_only=True)
class BlobMount:
    """A blob container by blobfuse, on Linux.

    Parameters:
        account, container: the storage account's name, and the container.
        path: below ``$AZ_BATCH_NODE_MOUNTS_DIR``.
        identity: ARM id of a managed identity that may read it; it is added to the pool's.
        sas, account_key: instead of an identity.
        options: command-line options of blobfuse.
    """

    account: str
    container: str
    path: str
    identity: str | None = None
    sas: str | None = field(default=None, repr=False)
    account_key: str | None = field(default=None, repr=False)
    options: str | None = None

    def __post_init__(self) -> None:
        where = f"mount {self.path!r}"
        check_texts(where, account=self.account, container=self.container, path=self.path)
        if sum(map(bool, (self.identity, self.sas, self.account_key))) != 1:
            raise SpecError(
                "it says no way to the container, or more than one",
                where=where,
                right="Give one of identity=, sas= and account_key=.",
            )

    def to_wire(self) -> dict[str, Any]:
        """The wire model MountConfiguration."""
        wire = {
            "accountName": self.account,
            "containerName": self.container,
            "relativeMountPath": self.path,
            "identityReference": identity_wire(self.identity),
            "sasKey": self.sas,
            "accountKey": self.account_key,
            "blobfuseOptions": self.options,
        }
        return {"azureBlobFileSystemConfiguration": present(wire)}


@dataclass(frozen=True, kw_only=True)
class FileShareMount:
    """A share of Azure Files.

    Parameters:
        account: the storage account's name.
        url: of the share, such as ``https://example.file.core.windows.net/share``.
        path: below ``$AZ_BATCH_NODE_MOUNTS_DIR``; on Windows a drive letter.
        account_key: the service takes no identity here.
        options: of the mount command.
    """

    account: str
    url: str
    path: str
    account_key: str = field(repr=False)
    options: str | None = None

    def __post_init__(self) -> None:
        where = f"mount {self.path!r}"
        check_texts(where, account=self.account, url=self.url, path=self.path, account_key=self.account_key)

    def to_wire(self) -> dict[str, Any]:
        """The wire model MountConfiguration."""
        wire = {
            "accountName": self.account,
            "azureFileUrl": self.url,
            "relativeMountPath": self.path,
            "accountKey": self.account_key,
            "mountOptions": self.options,
        }
        return {"azureFileShareConfiguration": present(wire)}


@dataclass(frozen=True, kw_only=True)
class NfsMount:
    """A share by NFS, which the pool's subnet must reach.

    Parameters:
        source: server and path, such as ``example:/share``.
        path: below ``$AZ_BATCH_NODE_MOUNTS_DIR``.
        options: of the mount command.
    """

    source: str
    path: str
    options: str | None = None

    def __post_init__(self) -> None:
        check_texts(f"mount {self.path!r}", source=self.source, path=self.path)

    def to_wire(self) -> dict[str, Any]:
        """The wire model MountConfiguration."""
        wire = {"source": self.source, "relativeMountPath": self.path, "mountOptions": self.options}
        return {"nfsMountConfiguration": present(wire)}


@dataclass(frozen=True, kw_only=True)
class CifsMount:
    """A share by CIFS.

    Parameters:
        source: such as ``//server/share``.
        path: below ``$AZ_BATCH_NODE_MOUNTS_DIR``.
        username, password: of the share.
        options: of the mount command.
    """

    source: str
    path: str
    username: str
    password: str = field(repr=False)
    options: str | None = None

    def __post_init__(self) -> None:
        where = f"mount {self.path!r}"
        check_texts(where, source=self.source, path=self.path, username=self.username, password=self.password)

    def to_wire(self) -> dict[str, Any]:
        """The wire model MountConfiguration."""
        wire = {
            "source": self.source,
            "relativeMountPath": self.path,
            "username": self.username,
            "password": self.password,
            "mountOptions": self.options,
        }
        return {"cifsMountConfiguration": present(wire)}


Mount: TypeAlias = "BlobMount | FileShareMount | NfsMount | CifsMount"
