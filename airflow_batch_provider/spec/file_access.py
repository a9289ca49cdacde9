"""What gives compute nodes the way to files: the client does, which has the credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_batch_provider.spec.files import BlobRef


class FileAccess(Protocol):
    """Gives the wire form of file references, with the access a node needs: a SAS or an identity."""

    def resource_file(self, ref: BlobRef, path: str) -> dict[str, Any]:
        """One blob, downloaded to ``path`` below the working directory (wire model ResourceFile)."""
        ...

    def resource_prefix(self, container: str, prefix: str, path: str) -> dict[str, Any]:
        """All blobs below a prefix, downloaded with their whole names below ``path`` (ResourceFile)."""
        ...

    def container_destination(self, container: str, path: str) -> dict[str, Any]:
        """A blob name or a directory in a container (OutputFileBlobContainerDestination)."""
        ...


class JobFileAccess(FileAccess, Protocol):
    """As :class:`FileAccess`, and can tell whether a reference is into the account it gives access to."""

    def holds(self, ref: BlobRef) -> bool:
        """Whether the blob is in the storage account of the Airflow connection."""
        ...
