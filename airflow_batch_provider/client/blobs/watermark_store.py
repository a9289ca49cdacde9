"""Where a watermark is kept: with the asset, where Airflow keeps state of assets (3.3), or else as a blob."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

FOLDER = "_watermarks"


class WatermarkMovedError(Exception):
    """Another triggerer has written the watermark since it was read."""


class WatermarkStore(Protocol):
    """Keeps one watermark."""

    async def read(self) -> Mapping[str, Any] | None:
        """The watermark; None when there is none yet."""

    async def write(self, watermark: Mapping[str, Any]) -> None:
        """Replace it.

        :raises WatermarkMovedError: another process has; read it and go on from there.
        """


class AssetStateStore(Protocol):
    """What Airflow 3.3 gives an event trigger as ``asset_state_store``."""

    async def aget(self, key: str, default: Any = None) -> Any:
        """The value of a key."""

    async def aset(self, key: str, value: Any) -> None:
        """Write a value."""


class BlobWatermarkStore:
    """A small blob, which is replaced only when it is as it was read.

    :param container: the asynchronous client of a container; made when it is missing.
    :param name: of the watermark.
    """

    def __init__(self, container: ContainerClient, name: str) -> None:
        self._container = container
        self._name = f"{FOLDER}/{name}.json"
        self._etag: str | None = None

    async def read(self) -> Mapping[str, Any] | None:
        """As :class:`WatermarkStore` says."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            stream = await self._container.download_blob(self._name)
        except ResourceNotFoundError:
            self._etag = None
            return None
        self._etag = stream.properties.etag
        found: Mapping[str, Any] = json.loads(await stream.readall())
        return found

    async def write(self, watermark: Mapping[str, Any]) -> None:
        """As :class:`WatermarkStore` says."""
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        try:
            await self._upload(json.dumps(watermark).encode())
        except (ResourceExistsError, ResourceModifiedError) as error:
            raise WatermarkMovedError(self._name) from error
        except ResourceNotFoundError:
            await self._container.create_container()
            await self._upload(json.dumps(watermark).encode())

    async def _upload(self, content: bytes) -> None:
        from azure.core import MatchConditions

        blob = self._container.get_blob_client(self._name)
        if self._etag is None:
            made = await blob.upload_blob(content, overwrite=False)
        else:
            unchanged = MatchConditions.IfNotModified
            made = await blob.upload_blob(content, overwrite=True, etag=self._etag, match_condition=unchanged)
        self._etag = made["etag"]


class AssetWatermarkStore:
    """The state of the asset, and below it the blob that an earlier Airflow has left.

    :param state: of the one asset that is watched.
    :param name: of the watermark.
    :param earlier: read when the asset has none.
    :param successive: what the watches have in common that follow one another when the author changes the
        filter: one without a watermark goes on from that of the one before it. Empty: it begins anew.
    """

    def __init__(
        self, state: AssetStateStore, name: str, earlier: WatermarkStore, successive: str = ""
    ) -> None:
        self._state = state
        self._name = name
        self._earlier = earlier
        self._successive = successive
        self._is_last = False

    async def read(self) -> Mapping[str, Any] | None:
        """As :class:`WatermarkStore` says."""
        found: Mapping[str, Any] | None = await self._state.aget(self._name) or await self._left()
        if found is None and self._successive and (last := await self._state.aget(self._successive)):
            found = await self._state.aget(last)
        return found

    async def _left(self) -> Mapping[str, Any] | None:
        """What an earlier Airflow has left. In a container that may not be read it has written nothing: the
        account may be somebody else's, who gives access to what is watched only."""
        from azure.core.exceptions import HttpResponseError

        try:
            return await self._earlier.read()
        except HttpResponseError as error:
            if error.status_code != 403:
                raise
            return None

    async def write(self, watermark: Mapping[str, Any]) -> None:
        """As :class:`WatermarkStore` says."""
        await self._state.aset(self._name, dict(watermark))
        if self._successive and not self._is_last:
            await self._state.aset(self._successive, self._name)
            self._is_last = True


async def open_store(
    state: AssetStateStore | None, container: ContainerClient, name: str, successive: str = ""
) -> WatermarkStore:
    """The store of a watermark.

    :param state: None before Airflow 3.3.
    :param container: for the blob.
    :param successive: as of :class:`AssetWatermarkStore`. Blobs of a watermark may be those of watches of
        other assets, and are not taken over.
    """
    blob = BlobWatermarkStore(container, name)
    if state is None:
        return blob
    try:
        await state.aget(name)
    except ValueError:  # equal watchers of several assets are one trigger, and state belongs to one asset
        return blob
    return AssetWatermarkStore(state, name, blob, successive)
