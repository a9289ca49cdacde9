"""Blobs of the demo: the upload and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from demo.stack.accounts import StorageAccount

__all__ = ["Output", "download", "list_outputs", "upload"]


@dataclass(frozen=True)
class Output:
    """A produced blob.

    Parameters:
        name: within its container.
        url: without a SAS.
        length: bytes.
    """

    name: str
    url: str
    length: int


def upload(storage: StorageAccount, container: str, name: str, path: Path) -> datetime:
    """Upload a video, overwriting. Returns the moment at which it was there."""
    from azure.storage.blob import BlobServiceClient, ContentSettings

    with (
        BlobServiceClient.from_connection_string(storage.connection_string) as service,
        path.open("rb") as data,
    ):
        service.get_blob_client(container, name).upload_blob(
            data, overwrite=True, content_settings=ContentSettings(content_type="video/mp4")
        )
    return datetime.now(timezone.utc)


def list_outputs(storage: StorageAccount, container: str, since: datetime) -> list[Output]:
    """Blobs of a container that were written since a moment, by name."""
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_connection_string(storage.connection_string, container) as client:
        return [
            Output(blob.name, f"{client.url}/{blob.name}", blob.size)
            for blob in client.list_blobs()
            # Storage tells whole seconds only.
            if blob.last_modified >= since.replace(microsecond=0)
        ]


def download(storage: StorageAccount, container: str, outputs: list[Output], folder: Path) -> None:
    """Download blobs into a folder, under their names.

    Raises:
        ValueError: a name would lead out of the folder.
    """
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_connection_string(storage.connection_string, container) as client:
        for output in outputs:
            if ".." in PurePosixPath(output.name).parts or output.name.startswith("/"):
                raise ValueError(f"The blob name {output.name} leads out of the folder.")
            target = folder / output.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                client.download_blob(output.name).readinto(file)
