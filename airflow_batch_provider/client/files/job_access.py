"""Access to blobs for the tasks of one job, with few signatures however many tasks and files there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_batch_provider.spec.files import BlobRef

if TYPE_CHECKING:
    from airflow_batch_provider.spec.file_access import JobFileAccess

BLOB_SIGNATURES = 50
"""Blobs of one container that are signed one by one; beyond them one signature for reading the container is
used. Each signature is kept by Airflow's log masker, which slows down with their number."""


class JobAccess:
    """Gives the same access as another, and asks it once for each container.

    Parameters:
        access: the storage account's own.
        own_container: the job's work container, whose blobs are never signed one by one: every task may write
            there anyway.
    """

    def __init__(self, access: JobFileAccess, own_container: str) -> None:
        self._access = access
        self._own_container = own_container
        self._destinations: dict[str, dict[str, Any]] = {}
        self._prefixes: dict[str, dict[str, Any]] = {}
        self._files: dict[BlobRef, dict[str, Any]] = {}
        self._signed: dict[str, int] = {}

    def holds(self, ref: BlobRef) -> bool:
        """Whether the blob is in the storage account of the Airflow connection."""
        return self._access.holds(ref)

    def container_destination(self, container: str, path: str) -> dict[str, Any]:
        """A blob name or a directory in a container (OutputFileBlobContainerDestination)."""
        if container not in self._destinations:
            self._destinations[container] = self._access.container_destination(container, "")
        entry = dict(self._destinations[container])
        return {**entry, "path": path} if path else entry

    def resource_prefix(self, container: str, prefix: str, path: str) -> dict[str, Any]:
        """All blobs below a prefix, downloaded with their whole names below ``path`` (ResourceFile)."""
        entry = dict(self._reading(container))
        if prefix:
            entry["blobPrefix"] = prefix
        return {**entry, "filePath": path} if path else entry

    def resource_file(self, ref: BlobRef, path: str) -> dict[str, Any]:
        """One blob, downloaded to ``path`` below the working directory (wire model ResourceFile)."""
        if self.holds(ref) and ref not in self._files and self._by_container(ref.container):
            return self._from_container(ref, path)
        if ref not in self._files:
            self._files[ref] = self._access.resource_file(ref, path)
            self._signed[ref.container] = self._signed.get(ref.container, 0) + 1
        return {**self._files[ref], "filePath": path}

    def _by_container(self, container: str) -> bool:
        return container == self._own_container or self._signed.get(container, 0) >= BLOB_SIGNATURES

    def _from_container(self, ref: BlobRef, path: str) -> dict[str, Any]:
        entry = dict(self._reading(ref.container))
        url, _, signature = str(entry.pop("storageContainerUrl")).partition("?")
        url = f"{url}/{quote(ref.name, safe='/~')}"
        return {"httpUrl": f"{url}?{signature}" if signature else url, **entry, "filePath": path}

    def _reading(self, container: str) -> dict[str, Any]:
        if container not in self._prefixes:
            self._prefixes[container] = self._access.resource_prefix(container, "", "")
        return self._prefixes[container]
