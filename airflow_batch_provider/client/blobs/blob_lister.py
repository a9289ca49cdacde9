"""Listing a container by pages, with the requests counted and the time told by the storage service. All of it
is done aside (:mod:`.aside`), since the client reads a page for long.

Sources: Azure Storage: *List Blobs* (a page has 5,000 blobs at most; ``startFrom`` is inclusive).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.blobs.aside import aside
from airflow_batch_provider.client.blobs.blob_watermark import ListedBlob
from airflow_batch_provider.spec.blob_places import split_folder

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

BLOBS_A_PAGE = 5000

#: How an account with a hierarchical namespace marks a folder among its blobs.
_FOLDER_MARK = "hdi_isfolder"


class ServiceClock:
    """The time of the storage service, from its answers: this machine's clock may be off."""

    def __init__(self) -> None:
        self._read: tuple[dt.datetime, float] | None = None

    def read(self, response: Any) -> None:
        """Take the time of an answer."""
        if date := response.http_response.headers.get("Date"):
            self._read = parsedate_to_datetime(date), time.monotonic()

    def now(self) -> dt.datetime | None:
        """The time there now; None: nothing has been answered yet."""
        if self._read is None:
            return None
        date, since = self._read
        return date + dt.timedelta(seconds=time.monotonic() - since)


class BlobLister:
    """Lists one container for one look.

    :param container: its asynchronous client, opened aside.
    :param clock: reads the time of each answer.
    :param page: most blobs in one answer.
    """

    def __init__(self, container: ContainerClient, clock: ServiceClock, page: int = BLOBS_A_PAGE) -> None:
        self.requests = 0
        self.blobs = 0
        self._container = container
        self._clock = clock
        self._page = page
        self._folders: dict[str, list[str]] = {}

    async def now(self) -> dt.datetime:
        """The time of the storage service, which is asked for it once."""
        if self._clock.now() is None:
            one = self._container.list_blobs(results_per_page=1, raw_response_hook=self._count).by_page()
            await aside(_page_of(one))
        return self._clock.now() or dt.datetime.now(dt.timezone.utc)

    async def beginnings(self, place: str) -> list[str]:
        """The beginnings of names that a place stands for: ``*/`` is walked through."""
        split = split_folder(place)
        if split is None:
            return [place]
        head, tail = split
        found: list[str] = []
        for folder in await self._below(head):
            found += await self.beginnings(folder + tail)
        return found

    async def pages(self, beginning: str, start: str) -> AsyncIterator[list[ListedBlob]]:
        """The blobs whose names have this beginning, page by page, in the order of names; no folders.

        :param start: leave out what has a lesser name; empty: nothing. A storage that does not know how to
            begin there lists all of them.
        """
        listing = self._container.list_blobs(
            name_starts_with=beginning or None,
            include=["metadata"],
            results_per_page=self._page,
            raw_response_hook=self._count,
            params={"startFrom": start} if start else {},
        )
        pages = listing.by_page()
        while (page := await aside(_page_of(pages))) is not None:
            self.blobs += len(page)
            yield page

    async def _below(self, head: str) -> list[str]:
        """The folders directly below a beginning of names, asked for once a look."""
        if head not in self._folders:
            walk = self._container.walk_blobs(
                name_starts_with=head or None, delimiter="/", raw_response_hook=self._count
            )
            self._folders[head] = await aside(_folders_of(walk))
        return self._folders[head]

    def _count(self, response: Any) -> None:
        self.requests += 1
        self._clock.read(response)


async def _page_of(pages: AsyncIterator[AsyncIterator[Any]]) -> list[ListedBlob] | None:
    """The blobs of the next page; None: there is none."""
    page = await anext(pages, None)
    if page is None:
        return None
    return [_listed(item) async for item in page if _FOLDER_MARK not in (item.metadata or {})]


async def _folders_of(walk: AsyncIterator[Any]) -> list[str]:
    from azure.storage.blob.aio import BlobPrefix

    return [item.name async for item in walk if isinstance(item, BlobPrefix)]


def _listed(item: Any) -> ListedBlob:
    content_type = (item.content_settings.content_type if item.content_settings else None) or ""
    return ListedBlob(item.name, item.etag.strip('"'), int(item.size or 0), content_type, item.last_modified)
