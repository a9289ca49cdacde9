"""Watching a container by listing it: look after look, announced, stored, and only then left behind.

The watermark moves when Airflow has stored all that a look found. Whoever dies before that looks again from
where the stored one stands, and announces again; receipts make that exactly once (``client.receipts``).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from airflow_batch_provider.client.blob_events import BLOB_CREATED, BlobEvent
from airflow_batch_provider.client.blob_lister import BLOBS_A_PAGE, BlobLister, ServiceClock
from airflow_batch_provider.client.blob_watermark import ListedBlob, Look, Watermark, Window
from airflow_batch_provider.client.watermark_store import WatermarkMovedError, WatermarkStore

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

    from airflow_batch_provider.spec.blob_filter import BlobFilter
    from airflow_batch_provider.spec.blob_places import BlobPlaces

log = logging.getLogger(__name__)

BlobUrl: TypeAlias = "Callable[[str, str], str]"

DEAR_REQUESTS = 20
"""A look of more requests than this is told: it costs the more the older the container gets."""

SHARE_OF_TIME = 5
"""Of so much time a long look may take one part, so that a big container is not listed without a pause."""

REWRITE_SECONDS = 3600
"""A watermark that has seen nothing new is written so often, so that few dates are looked at after a stop."""


@dataclass(frozen=True)
class WatchedContainer:
    """What is watched, and how.

    :param container: its name.
    :param places: where new blobs can lie.
    :param wanted: which of them are announced.
    :param window: how far back a look goes, and what counts as new.
    :param every: seconds from one look to the next; a look that takes long is paused after longer.
    :param lookback: seconds after its date for which a dated place is still looked at.
    :param page: most blobs in one answer of the storage service.
    :param spacing: least seconds between two announcements, as of ``QueueTiming``.
    """

    container: str
    places: BlobPlaces
    wanted: BlobFilter
    window: Window = field(default_factory=Window)
    every: float = 30.0
    lookback: float = 86_400.0
    page: int = BLOBS_A_PAGE
    spacing: float = 3.0

    def watermark_name(self, account_url: str) -> str:
        """A name for its watermark: what is watched, not how often or how far back."""
        what = [account_url, self.container, self.places.template, self.wanted.arguments()]
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        return f"blobs-of-{self.container}-{digest}"


@dataclass(frozen=True)
class FoundBlobs:
    """New blobs of one page.

    :param stored: to be set: whether Airflow has stored them.
    """

    events: list[BlobEvent]
    stored: asyncio.Future[bool]


class BlobWatch:
    """Watches one container for one process.

    :param client: the container's asynchronous client.
    :param store: keeps the watermark.
    :param url: gives a blob's URL, from container and name.
    """

    def __init__(
        self, watched: WatchedContainer, client: ContainerClient, store: WatermarkStore, url: BlobUrl
    ) -> None:
        self.watched = watched
        self._client = client
        self._store = store
        self._url = url
        self._clock = ServiceClock()
        self._trouble = ""
        self._told: tuple[int, bool] | None = None

    async def found(self) -> AsyncIterator[FoundBlobs]:
        """Yield new blobs for ever; trouble is told once and waited out. Each has to be told whether it was
        stored before the next comes."""
        written: Watermark | None = None
        known = False
        mark: Watermark | None = None
        not_before = 0.0
        while True:
            began, waited = time.monotonic(), 0.0
            try:
                if not known:
                    mark = written = await self._read()
                    known = True
                lister = BlobLister(self._client, self._clock, self.watched.page)
                look = Look(mark, await lister.now(), self.watched.window)
                async for events in self._look(lister, look, mark):
                    listed = time.monotonic()
                    await asyncio.sleep(max(0.0, not_before - listed))
                    page = FoundBlobs(events, asyncio.get_running_loop().create_future())
                    not_before = time.monotonic() + self.watched.spacing
                    yield page
                    if not await page.stored:
                        raise _NotStoredError
                    waited += time.monotonic() - listed
                mark = look.finish()
                self._tell(lister, look, mark)
                if _worth_writing(written, mark):
                    await self._store.write(mark.to_plain())
                    written = mark
                self._recovered()
            except _NotStoredError:
                log.warning("Blobs of %r were not stored by Airflow; they are announced again.", self.name)
            except WatermarkMovedError:
                log.info("Another triggerer watched %r meanwhile; going on from there.", self.name)
                known = False
            except Exception as error:  # whatever went wrong, the container must be looked at again
                self._in_trouble(error)
            took = time.monotonic() - began
            listing = took - waited
            await asyncio.sleep(max(self.watched.every - took, listing * (SHARE_OF_TIME - 1), 0.0))

    @property
    def name(self) -> str:
        """Of the container."""
        return self.watched.container

    async def _read(self) -> Watermark | None:
        plain = await self._store.read()
        return Watermark.from_plain(plain) if plain else None

    async def _look(
        self, lister: BlobLister, look: Look, before: Watermark | None
    ) -> AsyncIterator[list[BlobEvent]]:
        """The new blobs of one look, page by page."""
        now = dt.datetime.now(dt.timezone.utc) if (moment := self._clock.now()) is None else moment
        since = now
        if before is not None:
            since = min(now, dt.datetime.fromtimestamp(before.looked, dt.timezone.utc))
        first = since - dt.timedelta(seconds=self.watched.lookback)
        for place in self.watched.places.between(first, now):
            for beginning in await lister.beginnings(place):
                async for page in lister.pages(beginning, look.start(beginning)):
                    if events := self._new(page, look, beginning):
                        yield events

    def _new(self, page: list[ListedBlob], look: Look, beginning: str) -> list[BlobEvent]:
        listed = ((blob, self._event(blob)) for blob in page)
        return [
            event
            for blob, event in listed
            if look.take(blob, beginning, wanted=self.watched.wanted.accepts(event))
        ]

    def _event(self, blob: ListedBlob) -> BlobEvent:
        return BlobEvent(
            id="",
            type=BLOB_CREATED,
            url=self._url(self.name, blob.name),
            container=self.name,
            name=blob.name,
            etag=blob.etag,
            size=blob.size,
            content_type=blob.content_type,
            time=blob.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
            sequencer="",
            api="",
        )

    def _tell(self, lister: BlobLister, look: Look, mark: Watermark) -> None:
        """Say what a look costs: at first, and again when it has doubled; and when the overlap got short."""
        short = look.overlap_of(mark) < self.watched.window.overlap
        if self._told and lister.requests < 2 * self._told[0] and short == self._told[1]:
            return
        self._told = max(lister.requests, DEAR_REQUESTS), short
        a_day = round(86_400 / self.watched.every) * lister.requests
        log.info(
            "A look at %r lists %d blob(s) with %d request(s), at most some %d a day.",
            self.name,
            lister.blobs,
            lister.requests,
            a_day,
        )
        if lister.requests > DEAR_REQUESTS:
            log.warning(
                "A look at %r takes %d requests, since it lists %d blobs to find the new ones, and it will "
                "take more. Put dates into the prefix ('{%%Y/%%m/%%d}/'), set in_name_order when names grow "
                "with time, or have Event Grid announce blobs (BlobCreatedTrigger).",
                self.name,
                lister.requests,
                lister.blobs,
            )
        if short:
            log.warning(
                "More than %d blobs came to %r within the overlap: one that is seen more than %d s after it "
                "was written may be missed.",
                self.watched.window.known_at_most,
                self.name,
                max(0, look.overlap_of(mark)),
            )

    def _in_trouble(self, error: Exception) -> None:
        kind = f"{type(error).__name__} {getattr(error, 'error_code', None) or ''}".strip()
        if kind != self._trouble:
            self._trouble = kind
            log.warning(
                "Container %r can't be watched (%s). Blobs that come now are found later. Check that it "
                "exists, that the connection may list it and write blobs, and the network. Trying on.",
                self.name,
                kind,
            )

    def _recovered(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.info("Container %r is watched again.", self.name)


class _NotStoredError(Exception):
    """Airflow could not store what a look found."""


def _worth_writing(written: Watermark | None, mark: Watermark) -> bool:
    return (
        written is None
        or bool(mark.known.keys() - written.known.keys())
        or mark.starts != written.starts
        or mark.looked - written.looked >= REWRITE_SECONDS
    )
