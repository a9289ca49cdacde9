"""The storage account linked to the Batch account: packages, auto storage, and what identities may reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

__all__ = [
    "ContainerUrlError",
    "LinkedStorage",
    "StorageSettingsError",
    "container_client",
    "load_azure",
    "without_secrets",
]

_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)
_SAS_LIFETIME = timedelta(hours=2)
_CLOCK_SKEW = timedelta(minutes=15)
# The service's own retries: a node that cannot reach storage says so within seconds.
_CLIENT_SETTINGS: dict[str, Any] = {
    "retry_total": 3,
    "retry_connect": 2,
    "initial_backoff": 0.5,
    "increment_base": 2,
    "connection_timeout": 20,
    "read_timeout": 120,
}


class StorageSettingsError(ValueError):
    """The connection string cannot be used. Its text never repeats the string."""


class ContainerUrlError(ValueError):
    """A text is not the URL of a container."""


@cache
def _azure() -> Any:
    import azure.storage.blob.aio

    return azure.storage.blob


async def load_azure() -> Any:
    """The module ``azure.storage.blob``, whose import takes about a second, without stopping the loop."""
    return await asyncio.to_thread(_azure)


def without_secrets(url: str) -> str:
    """A URL without its query (where a SAS is) and without user and password, for messages."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(malformed URL)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@asynccontextmanager
async def container_client(container_url: str) -> AsyncIterator[ContainerClient]:
    """A client of a container by its URL, with whatever SAS is in it.

    :raises ContainerUrlError: the URL is not one of a container.
    """
    azure = await load_azure()
    try:
        client = azure.aio.ContainerClient.from_container_url(container_url, **_CLIENT_SETTINGS)
    except ValueError:
        raise ContainerUrlError from None  # the client's own words repeat the URL with its SAS
    async with client:
        yield client


@dataclass(frozen=True)
class LinkedStorage:
    """A storage account with its key. Blob names are given as ``container/blob``.

    :param endpoint: URL of the blob service without a slash at its end.
    """

    account: str
    key: str = field(repr=False)
    endpoint: str

    @classmethod
    def from_connection_string(cls, text: str) -> LinkedStorage:
        """Read an Azure Storage connection string; ``UseDevelopmentStorage=true`` is Azurite's account.

        :raises StorageSettingsError: when the account's name or key is missing.
        """
        if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
            text = _DEVELOPMENT
        pairs = (part.partition("=") for part in text.strip().split(";") if part)
        settings = {name.strip().lower(): value.strip() for name, _, value in pairs}
        account, key = settings.get("accountname"), settings.get("accountkey")
        if not account or not key:
            raise StorageSettingsError(
                "The storage connection string has no AccountName or no AccountKey. "
                "The emulator signs URLs with the key, so a SAS or a token is not enough. "
                "Give the whole connection string, e.g. 'UseDevelopmentStorage=true' for Azurite."
            )
        protocol = settings.get("defaultendpointsprotocol", "https")
        suffix = settings.get("endpointsuffix", "core.windows.net")
        endpoint = settings.get("blobendpoint") or f"{protocol}://{account}.blob.{suffix}"
        return cls(account, key, endpoint.rstrip("/"))

    def holds(self, url: str) -> bool:
        """Whether a URL is one of this account's blobs or containers."""
        return without_secrets(url).startswith(f"{without_secrets(self.endpoint)}/")

    async def signed(self, url: str, permissions: str) -> str:
        """A URL of this account with a fresh SAS for its container instead of its query.

        :param permissions: letters, e.g. ``rl`` for reading and listing, ``cw`` for creating and writing.
        """
        azure = await load_azure()
        base = url.partition("?")[0]
        container = base[len(self.endpoint) + 1 :].partition("/")[0]
        now = datetime.now(timezone.utc)
        sas = azure.generate_container_sas(
            self.account,
            container,
            account_key=self.key,
            permission=azure.ContainerSasPermissions.from_string(permissions),
            start=now - _CLOCK_SKEW,
            expiry=now + _SAS_LIFETIME,
        )
        return f"{base}?{sas}"

    def container_url(self, container: str) -> str:
        """The URL of a container, without a SAS."""
        return f"{self.endpoint}/{container}"

    async def blob_url(self, blob_name: str) -> str:
        """A URL from which a blob can be read."""
        return await self.signed(f"{self.endpoint}/{quote(blob_name)}", "r")

    async def upload_url(self, blob_name: str, expiry: datetime) -> str:
        """A URL with a SAS to which a blob can be written until ``expiry``. Makes the container if absent."""
        azure = await load_azure()
        container, _, name = blob_name.partition("/")
        async with self._client(azure, container) as client:
            if not await client.exists():
                await _create(client)
        sas = azure.generate_blob_sas(
            self.account,
            container,
            name,
            account_key=self.key,
            permission=azure.BlobSasPermissions(read=True, create=True, write=True),
            start=datetime.now(timezone.utc) - _CLOCK_SKEW,
            expiry=expiry,
        )
        return f"{self.endpoint}/{quote(blob_name)}?{sas}"

    async def blob_exists(self, blob_name: str) -> bool:
        """Whether a blob was uploaded."""
        return await self.blob_version(blob_name) is not None

    async def blob_version(self, blob_name: str) -> str | None:
        """The ETag of a blob without quotes, ``None`` when there is no such blob."""
        from azure.core.exceptions import ResourceNotFoundError

        container, _, name = blob_name.partition("/")
        async with self._client(await load_azure(), container) as client:
            try:
                properties = await client.get_blob_client(name).get_blob_properties()
            except ResourceNotFoundError:
                return None
        return str(properties.etag).strip('"')

    async def delete_blob(self, blob_name: str) -> None:
        """Delete a blob; one that is not there is deleted already."""
        azure = await load_azure()
        from azure.core.exceptions import ResourceNotFoundError

        container, _, name = blob_name.partition("/")
        async with self._client(azure, container) as client:
            try:
                await client.delete_blob(name)
            except ResourceNotFoundError:
                return

    def _client(self, azure: Any, container: str) -> ContainerClient:
        client: ContainerClient = azure.aio.ContainerClient(
            self.endpoint, container, credential={"account_name": self.account, "account_key": self.key},
            **_CLIENT_SETTINGS,
        )  # fmt: skip
        return client


async def _create(client: ContainerClient) -> None:
    from azure.core.exceptions import ResourceExistsError

    try:
        await client.create_container()
    except ResourceExistsError:
        return  # another request was faster
