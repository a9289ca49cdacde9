"""The storage account that is watched: listing containers, sending to queues."""

from __future__ import annotations

from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any

from batch_emulator.events.blobs import BlobApi, BlobVersion

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient
    from azure.storage.queue.aio import QueueServiceClient

__all__ = ["StorageAccount", "StorageUnreachableError"]

_RETRIES: dict[str, Any] = {"retry_total": 1, "retry_connect": 0, "connection_timeout": 5, "read_timeout": 20}


class StorageUnreachableError(RuntimeError):
    """The storage account does not answer, or refuses us. The text holds no secret."""


class StorageAccount:
    """A storage account by its connection string, as an async context manager.

    Parameters:
        connection_string: as of the portal, or of Azurite; never logged.

    Raises:
        ValueError: the string is not a connection string.
    """

    def __init__(self, connection_string: str) -> None:
        from azure.storage.blob.aio import BlobServiceClient
        from azure.storage.queue.aio import QueueServiceClient

        self._blobs: BlobServiceClient = BlobServiceClient.from_connection_string(
            connection_string, **_RETRIES
        )
        self._queues: QueueServiceClient = QueueServiceClient.from_connection_string(
            connection_string, **_RETRIES
        )

    async def __aenter__(self) -> StorageAccount:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._blobs.close()
        await self._queues.close()

    @property
    def name(self) -> str:
        """Name of the account."""
        return str(self._blobs.account_name)

    @property
    def address(self) -> str:
        """Address of the blob service, without a SAS."""
        return str(self._blobs.url).partition("?")[0].rstrip("/")

    def blob_url(self, container: str, blob: str) -> str:
        """Address of a blob as a client writes it, without a SAS."""
        return str(self._blobs.get_blob_client(container, blob).url).partition("?")[0]

    async def list_blobs(self, container: str) -> list[BlobVersion] | None:
        """The container's blobs; None if there is no such container.

        Raises:
            StorageUnreachableError: the account did not answer or refused.
        """
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        client = self._blobs.get_container_client(container)
        try:
            return [_version(item) async for item in client.list_blobs(include=["metadata"])]
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            raise _unreachable(self.address, error) from None

    async def api_of(self, container: str, blob: BlobVersion) -> BlobApi:
        """How a blob was written: only Put Block List leaves committed blocks behind."""
        from azure.core.exceptions import AzureError

        if blob.blob_type != "BlockBlob":
            return BlobApi.PUT_BLOB
        try:
            committed, _ = await self._blobs.get_blob_client(container, blob.name).get_block_list("committed")
        except AzureError:  # the blob may be gone again; its event is due all the same
            return BlobApi.PUT_BLOB
        return BlobApi.PUT_BLOCK_LIST if committed else BlobApi.PUT_BLOB

    async def send(self, queue: str, message: str) -> None:
        """Put a message into a queue, which is made if missing.

        Raises:
            StorageUnreachableError: the account did not answer or refused.
        """
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        client = self._queues.get_queue_client(queue)
        try:
            try:
                await client.send_message(message)
            except ResourceNotFoundError:
                await self.ensure_queue(queue)
                await client.send_message(message)
        except AzureError as error:
            raise _unreachable(self.address, error) from None

    async def ensure_queue(self, queue: str) -> None:
        """Make a queue unless it is there.

        Raises:
            StorageUnreachableError: the account did not answer or refused.
        """
        from azure.core.exceptions import AzureError, ResourceExistsError

        try:
            await self._queues.get_queue_client(queue).create_queue()
        except ResourceExistsError:
            return
        except AzureError as error:
            raise _unreachable(self.address, error) from None


def _unreachable(address: str, error: Exception) -> StorageUnreachableError:
    code = getattr(error, "error_code", None)
    # Texts of the SDK may quote a signature; its class and the service's code say enough.
    return StorageUnreachableError(f"{address}: {type(error).__name__}{f' ({code})' if code else ''}")


def _utc(value: datetime | None) -> datetime | None:
    return value.astimezone(timezone.utc) if value else None


def _version(item: Any) -> BlobVersion:  # BlobProperties of the SDK, which is not typed
    settings = item.content_settings
    headers = {
        "content_type": settings.content_type,
        "content_encoding": settings.content_encoding,
        "content_language": settings.content_language,
        "content_disposition": settings.content_disposition,
        "cache_control": settings.cache_control,
    }
    flat = {key: str(value) for key, value in headers.items() if value}
    flat |= {f"metadata.{key}": str(value) for key, value in (item.metadata or {}).items()}
    blob_type = item.blob_type
    return BlobVersion(
        name=item.name,
        etag=str(item.etag).strip('"'),
        last_modified=item.last_modified.astimezone(timezone.utc),
        created=_utc(item.creation_time),
        length=int(item.size),
        content_type=settings.content_type or "application/octet-stream",
        blob_type=str(getattr(blob_type, "value", blob_type)),
        content_md5=bytes(settings.content_md5).hex() if settings.content_md5 else None,
        properties=flat,
    )
