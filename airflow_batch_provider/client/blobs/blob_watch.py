"""Watching a container by listing it: look after look, announced, stored, and only then left behind.

The watermark moves when Airflow has stored all that a look announced, and notes what waits for more blobs.
Whoever dies before that looks again from where the stored one stands, and announces again; receipts make that
exactly once (``client.blobs.receipts``).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_batch_provider.client.blobs.blob_events import BLOB_CREATED, BlobEvent
from airflow_batch_provider.client.blobs.blob_lister import BLOBS_A_PAGE, BlobLister, ServiceClock
from airflow_batch_provider.client.blobs.blob_watermark import ListedBlob, Look, Watermark, Window
from airflow_batch_provider.client.blobs.listed_batches import ListedBatches, NewBlob
from airflow_batch_provider.client.blobs.watermark_store import WatermarkMovedError, WatermarkStore
from airflow_batch_provider.client.requests.service_errors import error_code
from airflow_batch_provider.spec.blob_batching import BlobBatching

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient

    from airflow_batch_provider.spec.blob_filter import BlobFilter
    from airflow_batch_provider.spec.blob_places import BlobPlaces

log = logging.getLogger(__name__)

BlobUrl: TypeAlias = "Callable[[str, str], str]"
MayAnnounce: TypeAlias = "Callable[[], Awaitable[bool]]"

DEAR_REQUESTS = 20
"""A look of more requests than this is told: it costs the more the older the container gets."""

SHARE_OF_TIME = 5
"""Of so much time a long look may take one part, so that a big container is not listed without a pause."""

ONLY_IF_BEGUN = "only if it was watched before, or with existing=True"

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
    :param batching: which of them are announced together, and when.
    :param spacing: least seconds between two announcements, as of ``QueueTiming``.
    """

    container: str
    places: BlobPlaces
    wanted: BlobFilter
    window: Window = field(default_factory=Window)
    every: float = 30.0
    lookback: float = 86_400.0
    page: int = BLOBS_A_PAGE
    batching: BlobBatching = field(default_factory=BlobBatching)
    spacing: float = 3.0

    def watermark_name(self, account_url: str) -> str:
        """A name for its watermark: what is watched, not how often or how far back."""
        what = [account_url, self.container, self.places.template, self.wanted.arguments()]
        return f"blobs-of-{self.container}-{_digest(what)}"

    def successive_name(self, account_url: str) -> str:
        """A name for the watches of the same places, each with another filter, that follow one another; empty
        when blobs that are there are announced, as a watch that begins anew does."""
        what = [account_url, self.container, self.places.template]
        return "" if self.window.existing else f"last-watch-of-{self.container}-{_digest(what)}"


@dataclass(frozen=True)
class FoundBlobs:
    """New blobs to announce together.

    :param stored: to be set: whether Airflow has stored them.
    """

    events: list[BlobEvent]
    stored: asyncio.Future[bool]


class BlobWatch:
    """Watches one container for one process.

    :param client: the container's asynchronous client, opened aside.
    :param store: keeps the watermark.
    :param url: gives a blob's URL, from container and name.
    :param may_announce: asked before each announcement; until it may be, the listing waits too.
    """

    def __init__(
        self,
        watched: WatchedContainer,
        client: ContainerClient,
        store: WatermarkStore,
        url: BlobUrl,
        may_announce: MayAnnounce,
    ) -> None:
        self.watched = watched
        self._may_announce = may_announce
        self._client = client
        self._store = store
        self._url = url
        self._clock = ServiceClock()
        self._batches = ListedBatches(watched.batching, watched.window.fits)
        self._is_read = False
        self._mark: Watermark | None = None
        self._written: Watermark | None = None
        self._not_before = self._waited = 0.0
        self._trouble = ""
        self._told: tuple[int, bool] | None = None

    async def found(self) -> AsyncIterator[FoundBlobs]:
        """Yield new blobs for ever; trouble is told once and waited out. Each has to be told whether it was
        stored before the next comes."""
        while True:
            began, self._waited = time.monotonic(), 0.0
            try:
                if not self._is_read:
                    self._mark = self._written = await self._read()
                    self._is_read = True
                async for found in self._look():
                    yield found
                self._recovered()
            except _NotStoredError:
                log.warning("Blobs of %r were not stored by Airflow; they are announced again.", self.name)
            except WatermarkMovedError:
                log.info(
                    "Another triggerer, or another watcher with the same watermark, watched %r meanwhile; "
                    "going on from there. If this is said again and again, give two watchers that differ in "
                    "times or batches only a watermark_container each: one misses what the other announces.",
                    self.name,
                )
                self._is_read = False
            except _WatermarkError as error:
                self._in_trouble(error.why, "its watermark could not be read or written: ")
            except Exception as error:  # whatever went wrong, the container must be looked at again
                self._in_trouble(error)
            took = time.monotonic() - began
            listing = took - self._waited
            await asyncio.sleep(max(self.watched.every - took, listing * (SHARE_OF_TIME - 1), 0.0))

    @property
    def name(self) -> str:
        """Of the container."""
        return self.watched.container

    async def _read(self) -> Watermark | None:
        with _of_the_watermark():
            plain = await self._store.read()
        return Watermark.from_plain(plain) if plain else None

    async def _look(self) -> AsyncIterator[FoundBlobs]:
        """Look once; the watermark moves when all that is due has been stored."""
        lister = BlobLister(self._client, self._clock, self.watched.page)
        look = Look(self._mark, await lister.now(), self.watched.window)
        async for batch in self._due(lister, look):
            listed = time.monotonic()
            await self._turn()
            events = [self._event(new.blob) for new in batch]
            found = FoundBlobs(events, asyncio.get_running_loop().create_future())
            self._not_before = time.monotonic() + self.watched.spacing
            yield found
            if not await found.stored:
                raise _NotStoredError
            self._waited += time.monotonic() - listed
        for new in self._batches.rest():
            look.leave(new.blob, new.place, new.beginning)
        self._mark = look.finish()
        self._tell(lister, look, self._mark)
        if _worth_writing(self._written, self._mark):
            with _of_the_watermark():
                await self._store.write(self._mark.to_plain())
            self._written = self._mark

    async def _turn(self) -> None:
        """Wait until blobs may be announced."""
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        while True:
            if await self._may_announce():
                return
            await asyncio.sleep(max(1.0, self.watched.spacing))

    async def _due(self, lister: BlobLister, look: Look) -> AsyncIterator[list[NewBlob]]:
        """What one look finds to be announced, page by page."""
        self._batches.begin(time.monotonic())
        now = dt.datetime.now(dt.timezone.utc) if (moment := self._clock.now()) is None else moment
        first = dt.datetime.fromtimestamp(look.since - self.watched.lookback, dt.timezone.utc)
        for place in look.places(self.watched.places.between(first, now)):
            for beginning in await lister.beginnings(place):
                async for page in lister.pages(beginning, look.start(beginning)):
                    self._batches.add(
                        NewBlob(blob, place, beginning)
                        for blob in page
                        if look.take(blob, beginning, wanted=self._is_wanted(blob))
                    )
                    while self._batches.has_enough():
                        yield self._batches.take()
        while self._batches.is_due():
            yield self._batches.take()

    def _is_wanted(self, blob: ListedBlob) -> bool:
        return self.watched.wanted.accepts(self._event(blob))

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
            "A look at %r, prefix %r, lists %d blob(s) with %d request(s), at most some %d a day.",
            self.name,
            self.watched.places.template,
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
                "More blobs than the %d that the watermark notes came to %r within the overlap: one that is "
                "seen more than %d s after it was written may be missed.",
                len(mark.known),
                self.name,
                max(0, look.overlap_of(mark)),
            )

    def _in_trouble(self, error: BaseException, with_what: str = "") -> None:
        if self._mark is None:
            self._is_read = False  # what could not be read then may be there
        kind = f"{with_what}{type(error).__name__} {error_code(error)}".strip()
        if kind != self._trouble:
            self._trouble = kind
            log.warning(
                "Container %r can't be watched (%s). Blobs that come now are found later%s. Check that it "
                "exists, that the connection may list it and write its watermark, and the network. It is "
                "tried again.",
                self.name,
                kind,
                "" if self._mark or self.watched.window.existing else f" {ONLY_IF_BEGUN}",
            )

    def _recovered(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.info("Container %r is watched again.", self.name)


class _NotStoredError(Exception):
    """Airflow could not store what a look found."""


class _WatermarkError(Exception):
    """The watermark could not be read or written."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


@contextmanager
def _of_the_watermark() -> Iterator[None]:
    try:
        yield
    except WatermarkMovedError:
        raise
    except Exception as error:
        raise _WatermarkError(error) from error


def _digest(what: list[Any]) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _worth_writing(written: Watermark | None, mark: Watermark) -> bool:
    return (
        written is None
        or bool(mark.known.keys() - written.known.keys())
        or mark.starts != written.starts
        or mark.waiting != written.waiting
        or mark.looked - written.looked >= REWRITE_SECONDS
    )
