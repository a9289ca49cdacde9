"""A container of its own for a test of watches, which look at it by pages of ten."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from airflow_batch_provider.client.blobs.blob_watch import BlobWatch, FoundBlobs, WatchedContainer
from airflow_batch_provider.client.blobs.blob_watermark import Watermark, Window
from airflow_batch_provider.client.blobs.watermark_store import BlobWatermarkStore
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.blob_places import BlobPlaces

WAIT = 30.0
PAGE = 10


def _url(container: str, name: str) -> str:
    return f"http://s/{container}/{name}"


class Bench:
    """A container of its own, and watches of it."""

    def __init__(self, service: BlobServiceClient, listing: BlobServiceClient) -> None:
        self.listing = listing
        self.name = f"watched-{uuid.uuid4().hex[:12]}"
        self.service = service
        self.container = service.get_container_client(self.name)
        self.work = service.get_container_client(f"work-{uuid.uuid4().hex[:12]}")
        self.room = asyncio.Event()
        self.room.set()
        self.watching: list[AsyncIterator[FoundBlobs]] = []

    async def upload(self, *names: str, data: bytes = b"x") -> None:
        await asyncio.gather(*(self.container.upload_blob(name, data, overwrite=True) for name in names))

    def watched(self, prefix: str = "", wanted: BlobFilter | None = None, **window: Any) -> WatchedContainer:
        return WatchedContainer(
            self.name,
            BlobPlaces(prefix),
            wanted or BlobFilter(),
            Window(**{"overlap": 60, **window}),
            every=0.05,
            page=PAGE,
            spacing=0.0,
        )

    def watch(self, watched: WatchedContainer, store: Any = None) -> BlobWatch:
        store = store or BlobWatermarkStore(self.work, "mark")
        return BlobWatch(watched, self.listed, store, _url, self.may_announce)

    @property
    def listed(self) -> ContainerClient:
        return self.listing.get_container_client(self.container.container_name)

    async def may_announce(self) -> bool:
        """Whether there is room for more runs."""
        return self.room.is_set()

    def found(self, watched: WatchedContainer) -> AsyncIterator[FoundBlobs]:
        self.watching.append(self.watch(watched).found())
        return self.watching[-1]

    async def begun(self, watched: WatchedContainer) -> AsyncIterator[FoundBlobs]:
        """A watch that has had its first look: what is uploaded from now on is new."""
        found = self.found(watched)
        first = asyncio.ensure_future(anext(found))
        await self.until_mark(lambda mark: True)
        return later(first, found)

    async def until_mark(self, condition: Callable[[Any], bool]) -> None:
        """Wait until the stored watermark is so."""

        async def look() -> None:
            while (mark := await BlobWatermarkStore(self.work, "mark").read()) is None or not condition(mark):
                await asyncio.sleep(0.02)

        await asyncio.wait_for(look(), WAIT)


async def later(
    first: asyncio.Future[FoundBlobs], rest: AsyncIterator[FoundBlobs]
) -> AsyncIterator[FoundBlobs]:
    yield await first
    async for each in rest:
        yield each


class State:
    """The state of assets, as Airflow gives it to a trigger of one asset, or of several."""

    def __init__(self, assets: int = 1) -> None:
        self.values: dict[str, Any] = {}
        self._assets = assets

    async def aget(self, key: str, default: Any = None) -> Any:
        if self._assets != 1:
            raise ValueError("Task has 2 concrete inlets and outlets")
        return self.values.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = value


class Refusing(BlobWatermarkStore):
    """In a container to which the connection has no way."""

    status = 403

    async def read(self) -> Any:
        error = HttpResponseError("AuthorizationFailure")
        error.status_code = self.status
        raise error


async def next_names(found: AsyncIterator[FoundBlobs], *, stored: bool = True) -> list[str]:
    page = await asyncio.wait_for(anext(found), WAIT)
    page.stored.set_result(stored)
    return [event.name for event in page.events]


async def until(condition: Callable[[], bool]) -> None:
    async def poll() -> None:
        while not condition():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(poll(), WAIT)


def waiting(mark: Any) -> int:
    return len(Watermark.from_plain(mark).waiting)
