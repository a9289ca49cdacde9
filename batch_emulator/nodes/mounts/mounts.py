"""All mounts of a node: at its start, before and after its tasks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from weakref import WeakValueDictionary

from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.mounts.blob_mount import BlobMount, is_read_only
from batch_emulator.nodes.storage import (
    ContainerUrlError,
    LinkedStorage,
    StorageSettingsError,
    load_azure,
    without_secrets,
)
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure

__all__ = ["Mounts", "account_endpoint"]

_PERMISSIONS = "racwdl"
_READ_PERMISSIONS = "rl"


def account_endpoint(account: str, linked: LinkedStorage | None) -> str:
    """The blob endpoint of a storage account by its name.

    Mounts name the account and not its address. The linked account's address is known; beside an emulator of
    storage, whose addresses have the account's name in the path, others are looked for; else it is Azure's.
    """
    if linked is None:
        development = LinkedStorage.from_connection_string("UseDevelopmentStorage=true")
        is_azure = account != development.account
        return f"https://{account}.blob.core.windows.net" if is_azure else development.endpoint
    if account == linked.account:
        return linked.endpoint
    base, _, last = linked.endpoint.rpartition("/")
    return f"{base}/{account}" if last == linked.account else f"https://{account}.blob.core.windows.net"


@dataclass(frozen=True)
class _Spot:
    """Where a mount is on a node."""

    name: str
    folder: Path
    memory: Path
    log: Path


class Mounts:
    """Keeps nodes' folders in step with containers.

    :param storage: the linked storage account; it stands in for identities.
    """

    def __init__(self, storage: LinkedStorage | None) -> None:
        self._storage = storage
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def attach(self, mounts: Sequence[Json], layout: NodeLayout, identities: Sequence[str]) -> None:
        """Make the folders at a node's start and fill them.

        :param mounts: ``azureBlobFileSystemConfiguration`` of each, in wire form.
        :param identities: resource ids of the pool's identities.
        :raises TransferError: one cannot be had.
        """
        for mount in mounts:
            spot = _spot_of(mount, layout)
            spot.folder.mkdir(parents=True, exist_ok=True)
            await self._step(mount, spot, identities, _attach)

    async def refresh(self, mounts: Sequence[Json], layout: NodeLayout, identities: Sequence[str]) -> None:
        """Bring what has changed in the containers to a node, before a task.

        :raises TransferError: a container cannot be read any more.
        """
        for mount in mounts:
            spot = _spot_of(mount, layout)
            if spot.memory.exists():  # or it was added to the pool after the node's start
                await self._step(mount, spot, identities, _refresh)

    async def save(self, mounts: Sequence[Json], layout: NodeLayout, identities: Sequence[str]) -> None:
        """Bring what a task has changed to the containers.

        :raises TransferError: a container cannot be written.
        """
        for mount in mounts:
            spot = _spot_of(mount, layout)
            if spot.memory.exists():
                await self._step(mount, spot, identities, _save)

    async def _step(
        self,
        mount: Json,
        spot: _Spot,
        identities: Sequence[str],
        step: Callable[[BlobMount], Awaitable[int]],
    ) -> None:
        name = step.__name__.strip("_")
        await load_azure()
        from azure.core.exceptions import AzureError

        async with self._locks.setdefault(spot.folder, asyncio.Lock()):
            try:
                blob_mount = await self._blob_mount(mount, spot, identities)
                count = await step(blob_mount)
            except (AzureError, ContainerUrlError, StorageSettingsError, OSError, ValueError) as error:
                reason = _reason(error)
                _write(spot.log, f"{name} failed: {reason}")
                raise _error(spot.name, reason) from None
            if count or blob_mount.skipped:
                skipped = f"; skipped {', '.join(blob_mount.skipped)}" if blob_mount.skipped else ""
                _write(spot.log, f"{name}: {count} changes{skipped}")

    async def _blob_mount(self, mount: Json, spot: _Spot, identities: Sequence[str]) -> BlobMount:
        read_only = is_read_only(mount.get("blobfuseOptions"))
        account = mount["accountName"]
        url = f"{account_endpoint(account, self._storage)}/{mount['containerName']}"
        if mount.get("sasKey"):
            url = f"{url}?{mount['sasKey'].lstrip('?')}"
        else:
            key = mount.get("accountKey") or self._key_for(mount, identities, url)
            storage = LinkedStorage(account, key, url.rpartition("/")[0])
            url = await storage.signed(url, _READ_PERMISSIONS if read_only else _PERMISSIONS)
        return BlobMount(spot.folder, url, spot.memory, read_only)

    def _key_for(self, mount: Json, identities: Sequence[str], url: str) -> str:
        reference = mount["identityReference"]["resourceId"]
        if reference.lower() not in {identity.lower() for identity in identities}:
            raise ValueError(f"The identity '{reference}' is not assigned to the pool.")
        if self._storage is None or not self._storage.holds(url):
            raise ValueError(
                "A local node has no real identity: the emulator can stand in for one in its linked storage "
                f"account only, and {without_secrets(url)} is not in it."
            )
        return self._storage.key


async def _attach(mount: BlobMount) -> int:
    return await mount.download(anew=True)


async def _refresh(mount: BlobMount) -> int:
    return await mount.download()


async def _save(mount: BlobMount) -> int:
    return await mount.upload()


def _spot_of(mount: Json, layout: NodeLayout) -> _Spot:
    name = str(mount["relativeMountPath"]).strip("/")
    flat = name.replace("/", "-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return _Spot(
        name,
        layout.mounts / name,
        layout.volatile / f"mount-{digest}.json",
        layout.mounts / f"fshare-{flat}.log",
    )


def _write(log: Path, line: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {line}\n")


def _reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status:
        return f"HTTP status {status}"
    # The words of a storage client's error may repeat the URL with its signature.
    return str(error) if type(error) is ValueError else type(error).__name__


def _error(path: str, reason: str) -> TransferError:
    # [U] The documents show the title and the details of this error, not its code.
    return TransferError(
        Failure(
            "MountConfigurationError",
            "An error was encountered while configuring specified mount(s)",
            details=(("Message", reason), ("MountConfigurationPath", path)),
        )
    )
