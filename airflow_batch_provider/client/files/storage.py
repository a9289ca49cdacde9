"""Blobs: reading and writing them, and telling compute nodes how to reach them.

A node reaches storage by its managed identity when the connection names one. Otherwise the URL carries a SAS,
minted for this use alone: signed with the account key, or with a user delegation key when Airflow itself
comes with a token (Azure Storage: *Create a user delegation SAS*).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_batch_provider.client.connect.credentials import storage_credential
from airflow_batch_provider.client.connect.settings import SettingsError
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.connect.wire_log import quiet_wire_log
from airflow_batch_provider.client.files.sas import SasMint
from airflow_batch_provider.client.requests.service_errors import error_code, error_status, explain_access
from airflow_batch_provider.exceptions import BatchRequestError
from airflow_batch_provider.spec.files import BlobRef

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient
    from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient
    from azure.storage.queue.aio import QueueClient as AsyncQueueClient

DEFAULT_SAS_LIFETIME = dt.timedelta(hours=24)


class StorageAccess:
    """The storage account that a job's files live in.

    Parameters:
        storage: the account and the way in.
        node_identity: ARM id of the managed identity by which nodes reach it; None: by SAS.
        sas_lifetime: how long a minted SAS is valid: as long as a job may wait and run.
        mask: called with every SAS minted, before it is used, so that logs can hide it.
    """

    def __init__(
        self,
        storage: StorageSettings,
        *,
        node_identity: str | None = None,
        sas_lifetime: dt.timedelta = DEFAULT_SAS_LIFETIME,
        mask: Callable[[str], None] | None = None,
    ) -> None:
        self.storage = storage
        self.node_identity = node_identity
        self._sas_lifetime = sas_lifetime
        self._mint = SasMint(storage, self._open, mask or (lambda secret: None))
        self._client: BlobServiceClient | None = None

    # What compute nodes are given

    def resource_file(self, ref: BlobRef, path: str) -> dict[str, Any]:
        """One blob for a node to download.

        Parameters:
            ref: the blob. One of another storage account is reached by the node's identity, or else
                must be public: there is no key here to sign for it.
            path: where to put it on the node, file name included, relative to the task's ``wd``.
        """
        url = self.url_of(ref)
        if self.node_identity:
            return {"httpUrl": url, "filePath": path, "identityReference": self._identity()}
        if self.holds(ref):
            url = f"{url}?{self._mint.blob(ref.container, ref.name, self._sas_lifetime)}"
        return {"httpUrl": url, "filePath": path}

    def resource_prefix(self, container: str, prefix: str, path: str) -> dict[str, Any]:
        """All blobs of a container whose names begin with a prefix, for a node to download.

        Parameters:
            container: the container's name.
            prefix: beginning of the blob names; empty: the whole container. It is not taken off the names.
            path: directory on the node that the blob names are put under; empty: the task's ``wd``.
        """
        entry = self._container_access("storageContainerUrl", container, permissions="rl")
        if prefix:
            entry["blobPrefix"] = prefix
        if path:
            entry["filePath"] = path
        return entry

    def container_destination(self, container: str, path: str | None) -> dict[str, Any]:
        """A container for a node to upload output files to.

        Parameters:
            container: the container's name.
            path: blob name, or virtual directory when the file pattern has a wildcard; None: the root.
        """
        # Create and write, and read and list: the service checks the container before it uploads.
        entry = self._container_access("containerUrl", container, permissions="rcwl")
        if path:
            entry["path"] = path
        return entry

    def shortfall(self) -> str | None:
        """Why nodes may lose their way to the blobs before the job's time is over; None: they will not.

        A task's SAS cannot be renewed once it is submitted: Azure Batch changes nothing but a task's limits.
        """
        longest = None if self.node_identity else self._mint.longest()
        if longest is None or longest >= self._sas_lifetime:
            return None
        wanted, given = (round(span.total_seconds() / 3600) for span in (self._sas_lifetime, longest))
        return (
            f"Tasks that start later than {given} hours from now cannot read or write blobs, though the job "
            f"may run for {wanted} hours: a SAS that is made by an identity lives at most seven days, one "
            "that the connection holds has an end of its own. Give the nodes an identity "
            "(node_identity_resource_id of the connection), or the connection the storage account's key."
        )

    # Names

    def blob_url(self, container: str, name: str) -> str:
        """The blob's URL without any SAS: fit for logs, XCom and assets."""
        return f"{self.container_url(container)}/{quote(name, safe='/~')}"

    def container_url(self, container: str) -> str:
        """The container's URL without any SAS."""
        return f"{self.storage.account_url}/{container}"

    def holds(self, ref: BlobRef) -> bool:
        """Whether a blob is in this storage account."""
        return ref.account_url is None or ref.account_url.lower() == self.storage.account_url.lower()

    def url_of(self, ref: BlobRef) -> str:
        """The URL of a referenced blob, without any SAS."""
        if self.holds(ref):
            return self.blob_url(ref.container, ref.name)
        return f"{ref.account_url}/{ref.container}/{quote(ref.name, safe='/~')}"

    # Reading and writing from Airflow

    def ensure_container(self, name: str) -> bool:
        """Create a container if it is not there; returns whether it was created.

        Parameters:
            name: the container's.
        """
        from azure.core.exceptions import ResourceExistsError

        try:
            self._open().create_container(name)
        except ResourceExistsError as error:
            if getattr(error, "error_code", None) not in ("ContainerAlreadyExists", None):
                raise
            return False
        return True

    def read_blob(self, container: str, name: str, max_bytes: int, start: int = 0) -> bytes:
        """The bytes of a blob from ``start`` on, ``max_bytes`` at most.

        Parameters:
            container: the container's name.
            name: the blob's.
            max_bytes: how many at most.
            start: at which of its bytes to begin.

        Raises:
            azure.core.exceptions.ResourceNotFoundError: no such blob or container.
        """
        if max_bytes <= 0:
            return b""
        blob = self._open().get_blob_client(container, name)
        # A range beyond the end is refused by the service (416), so the size is looked at first.
        length = min(blob.get_blob_properties().size - start, max_bytes)
        return blob.download_blob(start, length).readall() if length > 0 else b""

    def read_end(self, container: str, name: str, max_bytes: int) -> tuple[bytes, bool]:
        """The last ``max_bytes`` bytes of a blob, and whether they are all of it.

        Parameters:
            container, name, max_bytes: as for ``read_blob``, 1 at least.

        Raises:
            azure.core.exceptions.ResourceNotFoundError: no such blob or container.
        """
        blob = self._open().get_blob_client(container, name)
        size: int = blob.get_blob_properties().size
        length = min(size, max_bytes)
        data: bytes = blob.download_blob(size - length, length).readall() if size else b""
        return data, length == size

    def etag(self, container: str, name: str) -> str:
        """The ETag that a blob has now, without quotes; empty: there is none, or it may not be read.

        Parameters:
            container: the container's name.
            name: the blob's.
        """
        from azure.core.exceptions import HttpResponseError

        blob = self._open().get_blob_client(container, name)
        try:
            return str(blob.get_blob_properties().etag).strip('"')
        except HttpResponseError as error:
            if error.status_code not in (403, 404):
                raise
            return ""

    async def aread_blob(self, container: str, name: str, max_bytes: int) -> bytes:
        """As ``read_blob``, without blocking the event loop."""
        from azure.storage.blob.aio import BlobClient

        if max_bytes <= 0:
            return b""
        quiet_wire_log()
        credential = storage_credential(self.storage, aio=True)
        try:
            async with BlobClient(self.storage.account_url, container, name, credential=credential) as blob:
                size: int = (await blob.get_blob_properties()).size
                if not size:
                    return b""
                stream = await blob.download_blob(0, min(size, max_bytes))
                return await stream.readall()
        finally:
            close = getattr(credential, "close", None)
            if close is not None:
                await close()

    def upload_blob(
        self,
        container: str,
        name: str,
        data: bytes | str | IO[bytes],
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a blob, replacing what is there; returns its URL without a SAS.

        Parameters:
            container: the container's name.
            name: the blob's.
            data: what is written.
            metadata: names and values kept with it.
        """
        blob = self._open().get_blob_client(container, name)
        blob.upload_blob(data, overwrite=True, metadata=dict(metadata) if metadata else None)
        return self.blob_url(container, name)

    def container_client(self, name: str) -> ContainerClient:
        """The Azure client of one container, for what has no verb here.

        Parameters:
            name: the container's.
        """
        return self._open().get_container_client(name)

    def blob_client(self) -> BlobServiceClient:
        """The Azure client of the account, for what has no verb here."""
        return self._open()

    @asynccontextmanager
    async def async_blob_client(self) -> AsyncIterator[AsyncBlobServiceClient]:
        """The asynchronous client of the account, open until the block ends."""
        from azure.storage.blob.aio import BlobServiceClient

        quiet_wire_log()
        credential = storage_credential(self.storage, aio=True)
        try:
            async with BlobServiceClient(self.storage.account_url, credential=credential) as client:
                yield client
        finally:
            close = getattr(credential, "close", None)
            if close is not None:
                await close()

    def async_queue_client(self, name: str) -> AsyncQueueClient:
        """The asynchronous client of a queue in this account; the caller closes it.

        Raises:
            ValueError: the queue endpoint of a local account is not known.
        """
        from azure.storage.queue.aio import QueueClient

        quiet_wire_log()
        credential = storage_credential(self.storage, aio=True)
        return QueueClient(self.storage.queue_endpoint, name, credential=credential)

    def check_queues(self) -> None:
        """See whether the connection tells where the account's queues are; nothing is sent.

        Raises:
            SettingsError: it does not.
        """
        try:
            _ = self.storage.queue_endpoint
        except ValueError as error:
            raise SettingsError(str(error)) from None

    def check(self, **options: Any) -> None:
        """Make one cheap call that proves the way in.

        Parameters:
            options: client options of azure-core, such as ``retry_total``.

        Raises:
            azure.core.exceptions.AzureError: it does not work.
        """
        with self._made(**options) as client:
            next(iter(client.list_containers(results_per_page=1).by_page()), None)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let what storage refuses within the block be raised in words.

        Raises:
            BatchRequestError: with what happened, the likely cause and the next step.
        """
        from azure.core.exceptions import AzureError

        try:
            yield
        except AzureError as error:
            text = explain_access(error, "Storage", self.storage.account_url, self.storage.account_name)
            raise BatchRequestError(str(text), code=error_code(error), status=error_status(error)) from None

    # Own parts

    def _open(self) -> BlobServiceClient:
        if self._client is None:
            self._client = self._made()
        return self._client

    def _made(self, **options: Any) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        quiet_wire_log()
        return BlobServiceClient(
            self.storage.account_url, credential=storage_credential(self.storage), **options
        )

    def _identity(self) -> dict[str, str]:
        return {"resourceId": self.node_identity or ""}

    def _container_access(self, field: str, container: str, *, permissions: str) -> dict[str, Any]:
        url = self.container_url(container)
        if self.node_identity:
            return {field: url, "identityReference": self._identity()}
        sas = self._mint.container(container, permissions, self._sas_lifetime)
        return {field: f"{url}?{sas}"}
