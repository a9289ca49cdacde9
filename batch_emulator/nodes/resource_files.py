"""Files placed in a task's working directory before its command starts.

Source: Azure Batch: *Create and use resource files*; failure codes: *Job and task error checking*.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_emulator.nodes.directories import OutsideError, inside
from batch_emulator.nodes.storage import ContainerUrlError, LinkedStorage, container_client, without_secrets
from batch_emulator.nodes.transfer import (
    Fetcher,
    HttpStatusError,
    TransferError,
    TransferTimeoutError,
    in_parallel,
)
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure

__all__ = ["ResourceFiles"]

_PARALLEL = 4
_LIST_SECONDS = 300.0
_DEFAULT_MODE = "0770"
_MESSAGES = {
    "BlobNotFound": "One of the specified Azure Blob(s) is not found",
    "BlobAccessDenied": "Access for one of the specified Azure Blob(s) is denied",
    "BlobDownloadTimedOut": "Timed out while downloading one of the specified Azure Blob(s)",
    "BlobDownloadMiscError": "Miscellaneous error encountered while downloading one of the specified "
    "Azure Blob(s)",
    "ResourceContainerNotFound": "One of the specified Azure Blob container(s) is not found",
    "ResourceContainerAccessDenied": "Access for one of the specified Azure Blob container(s) is denied",
    "ResourceContainerListMiscError": "Miscellaneous error encountered while listing one of the specified "
    "Azure Blob container(s)",
    "ResourceDirectoryCreateFailed": "Failed to create a directory for one of the specified resource files",
    "ResourceFileCreateFailed": "Failed to create one of the specified resource files",
    "ResourceFileWriteFailed": "Failed to write one of the specified resource files",
    "DiskFull": "There is not enough disk space on the compute node to run the task",
}
_SERVER_ERRORS = {
    "BlobDownloadTimedOut",
    "BlobDownloadMiscError",
    "ResourceDirectoryCreateFailed",
    "ResourceFileCreateFailed",
    "ResourceFileWriteFailed",
    "DiskFull",
}
_NO_SPACE = 28


@dataclass(frozen=True)
class _Item:
    """One file to fetch: where from, where to, relative to the working directory."""

    url: str
    file_path: str
    mode: int


@dataclass(frozen=True)
class ResourceFiles:
    """Places resource files.

    :param storage: the linked storage account; needed for auto storage containers and identities.
    """

    fetcher: Fetcher
    storage: LinkedStorage | None

    async def place(self, files: Sequence[Json], working: Path, identities: Sequence[str]) -> None:
        """Fetch all files of a task, a few at a time.

        :param files: ``resourceFiles`` in wire form.
        :param identities: resource ids of the pool's user-assigned identities.
        :raises TransferError: with the failure of the first file that could not be placed.
        """
        items = [item for file in files for item in await self._items(file, identities)]
        await in_parallel((self._place_one(item, working) for item in items), _PARALLEL)

    async def _items(self, file: Json, identities: Sequence[str]) -> list[_Item]:
        mode = int(file.get("fileMode") or _DEFAULT_MODE, 8)
        path = file.get("filePath") or ""
        if file.get("httpUrl"):
            url = await self._reachable(file["httpUrl"], file, identities, "r", "BlobAccessDenied")
            return [_Item(url, path, mode)]
        if file.get("autoStorageContainerName"):
            container_url = await self._auto_storage(file["autoStorageContainerName"], path)
        else:
            container_url = await self._reachable(
                file["storageContainerUrl"], file, identities, "rl", "ResourceContainerAccessDenied"
            )
        try:
            found = await asyncio.wait_for(
                _list_container(container_url, file.get("blobPrefix") or None), _LIST_SECONDS
            )
        except asyncio.TimeoutError:
            raise _error("ResourceContainerListMiscError", path, container_url, "Timed out.") from None
        except ContainerUrlError:
            raise _error("ResourceContainerListMiscError", path, "", "The URL is malformed.") from None
        return [_Item(url, f"{path}/{name}" if path else name, mode) for name, url in found]

    async def _auto_storage(self, container: str, path: str) -> str:
        if self.storage is None:
            raise _error(
                "ResourceContainerAccessDenied",
                path,
                "",
                f"The container '{container}' is to be looked for in the account's linked storage, and this "
                "emulator was started without one. Start it with --storage-connection-string.",
            )
        return await self.storage.signed(self.storage.container_url(container), "rl")

    async def _reachable(
        self, url: str, file: Json, identities: Sequence[str], permissions: str, denied: str
    ) -> str:
        reference = (file.get("identityReference") or {}).get("resourceId")
        if not reference:
            return url
        path = file.get("filePath") or ""
        if reference.lower() not in {identity.lower() for identity in identities}:
            misc = "BlobDownloadMiscError" if permissions == "r" else "ResourceContainerListMiscError"
            raise _error(misc, path, url, f"The identity '{reference}' is not assigned to the pool.")
        if self.storage is None or not self.storage.holds(url):
            raise _error(
                denied,
                path,
                url,
                "A local node has no real identity: the emulator can stand in for one in its linked storage "
                "account only, and this URL is not in it. Use a SAS, or --storage-connection-string.",
            )
        return await self.storage.signed(url, permissions)

    async def _place_one(self, item: _Item, working: Path) -> None:
        try:
            target = inside(working, item.file_path)
        except OutsideError as error:
            raise _error("ResourceFileCreateFailed", item.file_path, item.url, str(error)) from None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _disk_error("ResourceDirectoryCreateFailed", item, error) from None
        try:
            await self.fetcher.fetch(item.url, target)
            target.chmod(item.mode)
        except HttpStatusError as error:
            raise _error(_code_of(error.status), item.file_path, item.url, error.reason) from None
        except TransferTimeoutError:
            raise _error("BlobDownloadTimedOut", item.file_path, item.url, "Timed out.") from None
        except OSError as error:
            raise _disk_error("ResourceFileWriteFailed", item, error) from None


async def _list_container(container_url: str, prefix: str | None) -> list[tuple[str, str]]:
    async with container_client(container_url) as client:
        # Azure's modules are loaded by now.
        from azure.core.exceptions import AzureError, HttpResponseError

        try:
            return [
                (blob.name, client.get_blob_client(blob.name).url)
                async for blob in client.list_blobs(name_starts_with=prefix, include=["metadata"])
                if not _is_folder(blob)
            ]
        except HttpResponseError as error:
            code = _container_code_of(error.status_code or 0)
            raise _error(code, "", container_url, f"HTTP status {error.status_code}") from None
        except AzureError as error:
            raise _error("ResourceContainerListMiscError", "", container_url, type(error).__name__) from None


def _is_folder(blob: Any) -> bool:
    # Accounts with a hierarchical namespace list directories as empty blobs with this mark.
    return (blob.metadata or {}).get("hdi_isfolder") == "true"


def _code_of(status: int) -> str:
    if status == 404:
        return "BlobNotFound"
    # 409: the account does not permit public access.
    return "BlobAccessDenied" if status in (401, 403, 409) else "BlobDownloadMiscError"


def _container_code_of(status: int) -> str:
    if status == 404:
        return "ResourceContainerNotFound"
    return "ResourceContainerAccessDenied" if status in (401, 403, 409) else "ResourceContainerListMiscError"


def _disk_error(code: str, item: _Item, error: OSError) -> TransferError:
    if error.errno == _NO_SPACE:
        code = "DiskFull"
    return _error(code, item.file_path, item.url, os.strerror(error.errno) if error.errno else "")


def _error(code: str, file_path: str, url: str, message: str) -> TransferError:
    details = [("FilePath", file_path)] if file_path else []
    if url:
        details.append(("BlobSource", without_secrets(url)))
    if message:
        details.append(("Message", message))
    category = "servererror" if code in _SERVER_ERRORS else "usererror"
    return TransferError(Failure(code, _MESSAGES[code], category, tuple(details)))
