"""Tell Airflow of blobs where there is no Event Grid: a trigger for ``AssetWatcher`` that lists a container.

Its events are those of ``BlobCreatedTrigger``, and so the DAG's first task should be an
``AzureBlobClaimOperator`` here too.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.spec.blob_batching import BlobBatching
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.blob_places import BlobPlaces
from airflow_batch_provider.spec.checks import check_flags, check_texts, check_wait, refuse_jinja
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.storage_names import check_container
from airflow_batch_provider.spec.watch_slips import warn_of_slips
from airflow_batch_provider.triggers.backlog import Backlog
from airflow_batch_provider.triggers.blob_stream import STORED_WITHIN
from airflow_batch_provider.triggers.connecting import connected

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

    from airflow_batch_provider.client.blobs.blob_watch import BlobWatch, FoundBlobs, WatchedContainer
    from airflow_batch_provider.client.blobs.watermark_store import AssetStateStore

log = logging.getLogger(__name__)


class BlobListedTrigger(BaseEventTrigger):
    """Fires when blobs are new in a container, which is listed again and again.

    :param container: the container.
    :param prefix: only blobs whose name begins so, with dates in braces, ``scans/{%Y/%m/%d}/``, and ``*/``
        for any folder. Dates make a look cheap however many blobs there are: only their folders are listed.
    :param suffix: only blobs whose name ends so, such as ``.tiff``, or with one of several; in any case of
        letters.
    :param pattern: only blobs whose whole name matches, with ``*``, ``**``, ``?`` and ``[abc]``.
    :param min_bytes: only blobs of at least so many bytes.
    :param max_bytes: only blobs of at most so many bytes.
    :param content_type: only blobs of one of these MIME types, such as ``video/*``.
    :param conn_id: Azure Batch connection whose storage account has the container.
    :param every: from one look to the next; a second or more. Blobs are seen, and events are made, at a look.
    :param overlap: how much later than its *Last-Modified* a blob may be seen.
    :param lookback: how long after its date a folder is still looked at, by ``timezone``.
    :param timezone: whose dates the prefix has.
    :param settled_for: a blob is announced when nobody has written to it for so long; for those that are
        written piece by piece.
    :param existing: whether blobs that are there when the watch begins are announced too.
    :param in_name_order: whether a blob has a greater name than all that were written more than ``overlap``
        before it, in the same folder of the prefix: listings then begin where new names can be.
    :param max_batch: most blobs in one event.
    :param min_batch: an event is made when so many blobs wait; needs ``longest_wait``.
    :param quiet_period: an event is made when no further blob came for so long; a ``timedelta`` or seconds.
    :param longest_wait: an event is made when a blob has waited so long, whatever else holds.
    :param dag_ids: DAGs that the events start. While one of them has ``max_runs`` runs that have not ended,
        blobs wait.
    :param max_runs: see ``dag_ids``; best the DAG's ``max_active_runs``.
    :param watermark_container: for the watermark where Airflow (before 3.3) keeps no state of assets; made
        when missing.
    :raises SpecError: a value that cannot work; at DAG parse.

    What was seen is kept as a watermark, in the state of the asset. It moves only after Airflow stored the
    events (Airflow 3.3; before it, some seconds later), and notes the blobs that wait for others, so that a
    triggerer that dies loses none; the waiting begins anew. With another filter the watch goes on, from what
    waits and by the new filter (Airflow 3.3; before it, and with another prefix, it begins anew).

    The payload is ``{"blobs": [{"url", "container", "name", "etag", "size", ...}]}``.
    """

    def __init__(
        self,
        container: str,
        prefix: str = "",
        suffix: str | Sequence[str] = "",
        *,
        pattern: str = "",
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        content_type: str | Sequence[str] = "",
        conn_id: str = AzureBatchHook.default_conn_name,
        every: timedelta = timedelta(seconds=30),
        overlap: timedelta = timedelta(minutes=10),
        lookback: timedelta = timedelta(days=1),
        timezone: str = "UTC",
        settled_for: timedelta = timedelta(0),
        existing: bool = False,
        in_name_order: bool = False,
        max_batch: int = 1000,
        min_batch: int = 1,
        quiet_period: timedelta | float = 0.0,
        longest_wait: timedelta | float | None = None,
        dag_ids: str | Sequence[str] = (),
        max_runs: int = 16,
        watermark_container: str = "airflow-receipts",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        where = type(self).__name__
        check_texts(where, conn_id=conn_id)
        refuse_jinja(where, conn_id=conn_id, container=container, watermark_container=watermark_container)
        check_container(container, what="container", where=where)
        check_container(watermark_container, what="watermark_container", where=where)
        if container == watermark_container and not (prefix or suffix or pattern):
            raise SpecError(
                f"the watermark is kept in {container!r}, which is watched as a whole",
                where=where,
                right="Name another watermark_container: each watermark that is written would be announced.",
            )
        check_flags(where, existing=existing, in_name_order=in_name_order)
        for what, length in (("overlap", overlap), ("lookback", lookback), ("settled_for", settled_for)):
            check_wait(length, what=what, where=where)
        check_wait(every, what="every", where=where, least=timedelta(seconds=1))
        self._places = BlobPlaces(prefix, timezone)
        self._wanted = BlobFilter.of(
            where,
            container=container,
            suffix=suffix,
            pattern=pattern,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            content_type=content_type,
        )
        self._places.check_meets(pattern, where)
        warn_of_slips(self._wanted, where, listed_at=prefix)
        self._batching = BlobBatching.of(
            where,
            max_batch=max_batch,
            min_batch=min_batch,
            quiet_period=quiet_period,
            longest_wait=longest_wait,
            dag_ids=dag_ids,
            max_runs=max_runs,
        )
        self.container = container
        self.prefix = prefix
        self.conn_id = conn_id
        self.every = every
        self.overlap = overlap
        self.lookback = lookback
        self.timezone = timezone
        self.settled_for = settled_for
        self.existing = existing
        self.in_name_order = in_name_order
        self.watermark_container = watermark_container

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        names = (
            "prefix",
            "conn_id",
            "every",
            "overlap",
            "lookback",
            "timezone",
            "settled_for",
            "existing",
            "in_name_order",
            "watermark_container",
        )
        wanted = self._wanted.arguments()
        wanted.pop("event_types", None)
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            **wanted,
            **self._batching.arguments(),
            **{name: getattr(self, name) for name in names},
        }

    def shared_stream_key(self) -> Hashable:
        """Shared with nobody: what makes Airflow say when an event is stored is a shared stream."""
        return ("azure-blob-listing", json.dumps(self.serialize()[1], default=str, sort_keys=True))

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """The listing, for Airflow 3.3."""
        return _producer(cls(**kwargs))

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[FoundBlobs | StateAsked]
    ) -> AsyncIterator[TriggerEvent]:
        """Events of what the listing found."""
        async for item in shared_stream:
            if isinstance(item, StateAsked):
                item.answer(self.asset_state_store)
                continue
            yield _event_of(item)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """List the container alone: for Airflow before 3.3, which has no shared streams."""
        async with AsyncExitStack() as stack:
            watch = await self.open_watch(stack, None)
            async for found in watch.found():
                yield _event_of(found)
                await asyncio.sleep(STORED_WITHIN)
                found.stored.set_result(True)

    async def open_watch(self, stack: AsyncExitStack, state: AssetStateStore | None) -> BlobWatch:
        """The watch of the container, once the connection works.

        :param stack: closes its connections.
        :param state: of the asset; None where Airflow keeps none.
        """
        from airflow_batch_provider.client.blobs.aside import held_aside
        from airflow_batch_provider.client.blobs.blob_watch import ONLY_IF_BEGUN, BlobWatch
        from airflow_batch_provider.client.blobs.watermark_store import open_store

        what = f"Container {self.container!r} is not watched"
        meanwhile = f"Blobs that come now are found later{'' if self.existing else f' {ONLY_IF_BEGUN}'}."
        storage = await connected(self.conn_id, what, meanwhile)
        client = await stack.enter_async_context(storage.async_blob_client())
        watched = self._watched()
        account = storage.storage.account_url
        name, successive = watched.watermark_name(account), watched.successive_name(account)
        kept = client.get_container_client(self.watermark_container)
        store = await open_store(state, kept, name, successive)
        backlog = Backlog(self._batching.dag_ids, self._batching.max_runs)
        listing = await stack.enter_async_context(held_aside(storage.async_blob_client()))
        listed = listing.get_container_client(self.container)
        return BlobWatch(watched, listed, store, storage.blob_url, backlog.has_room)

    def _watched(self) -> WatchedContainer:
        from airflow_batch_provider.client.blobs.blob_watch import WatchedContainer
        from airflow_batch_provider.client.blobs.blob_watermark import Window

        window = Window(
            overlap=int(self.overlap.total_seconds()),
            settled_for=int(self.settled_for.total_seconds()),
            existing=self.existing,
            name_order=self.in_name_order,
        )
        return WatchedContainer(
            self.container,
            self._places,
            self._wanted,
            window,
            every=self.every.total_seconds(),
            lookback=self.lookback.total_seconds(),
            batching=self._batching,
        )


def _event_of(found: FoundBlobs) -> TriggerEvent:
    return TriggerEvent({"blobs": [event.to_payload() for event in found.events]})


class StateAsked:
    """Asks the trigger for the state of its asset, which Airflow gives to it and not to the listing."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[AssetStateStore | None] = asyncio.get_running_loop().create_future()

    def answer(self, state: AssetStateStore | None) -> None:
        """Give it."""
        if not self._answer.done():
            self._answer.set_result(state)

    async def answered(self) -> AssetStateStore | None:
        """Wait for it."""
        return await self._answer


def _producer(trigger: BlobListedTrigger) -> SharedStreamProducer:
    """A function, since its base class exists from Airflow 3.3 on."""
    from airflow.triggers.shared_stream import SharedStreamProducer

    class BlobListingProducer(SharedStreamProducer):
        def __init__(self) -> None:
            self.stack = AsyncExitStack()

        async def open_stream(self) -> AsyncIterator[tuple[Any, FoundBlobs | None]]:
            asked = StateAsked()
            yield asked, None
            watch = await trigger.open_watch(self.stack, await asked.answered())
            async for found in watch.found():
                yield found, found

        async def advance(self, batch: Sequence[AdvanceItem]) -> None:
            for item in batch:
                found = item.broker_payload
                if found is not None and not found.stored.done():
                    found.stored.set_result(item.outcome.is_clean)

        async def aclose(self) -> None:
            await self.stack.aclose()

    return BlobListingProducer()
