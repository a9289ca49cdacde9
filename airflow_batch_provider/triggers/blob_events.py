"""Tell Airflow of blobs: a trigger for ``AssetWatcher`` that reads Event Grid messages from a storage queue.

The event is a wake-up that carries a batch of blobs. The DAG's first task should be an
``AzureBlobClaimOperator``, which takes every blob announced so far and not taken yet: Airflow 3.3 may start
no run for an asset event that comes before the scheduler consumed the one before it (apache/airflow#56050).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_batch_provider.client.blob_events import in_order
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.options import whole
from airflow_batch_provider.triggers.connecting import connected

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

    from airflow_batch_provider.client.blob_queue import Batch, BlobEventQueue

log = logging.getLogger(__name__)

STORED_WITHIN = 15.0
"""Seconds after which an event is taken as stored where Airflow (before 3.3) does not say."""


class BlobCreatedTrigger(BaseEventTrigger):
    """Fires when blobs were written whose events arrived in a storage queue.

    :param queue_name: the storage queue that an Event Grid subscription delivers to.
    :param conn_id: Azure Batch connection whose storage account holds the queue.
    :param container: only blobs of this container; all when empty.
    :param prefix: only blobs whose name begins so.
    :param suffix: only blobs whose name ends so, such as ``.mp4``, or with one of several; in any case of
        letters.
    :param pattern: only blobs whose whole name matches, such as ``scans/*/page-?.tiff``; ``*`` stops at
        ``/``, ``**`` does not.
    :param min_bytes: only blobs of so many bytes or more; 1 leaves empty ones out.
    :param max_bytes: only blobs of so many bytes or fewer.
    :param content_type: only blobs of this MIME type, such as ``image/*``, or of one of several.
    :param event_types: what must have happened to a blob: ``created`` (also overwritten), ``renamed`` (with a
        hierarchical namespace; the other filters look at the new name), ``deleted``; one or several.
    :param max_batch: most blobs in one event.

    :raises SpecError: a value that cannot work; at DAG parse.

    Watchers with the same queue in one triggerer share one reader. With several triggerers give each set of
    filters a queue of its own: a message goes to one triggerer, which deletes it for all.

    A message is deleted only after Airflow stored the event (Airflow 3.3; before it, some seconds later),
    repeated events are dropped, and messages that are no blob event or fail again and again go to the queue
    ``{queue_name}-poison``.

    The payload is ``{"blobs": [{"type", "url", "source_url", "container", "name", "etag", "size", ...}]}``,
    see :class:`~airflow_batch_provider.client.blob_events.BlobEvent`; those of one blob in order.
    """

    def __init__(
        self,
        queue_name: str = "blob-events",
        conn_id: str = "azure_batch_default",
        container: str = "",
        prefix: str = "",
        suffix: str | Sequence[str] = "",
        max_batch: int = 100,
        *,
        pattern: str = "",
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        content_type: str | Sequence[str] = "",
        event_types: str | Sequence[str] = ("created",),
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        where = "BlobCreatedTrigger"
        whole(max_batch, "max_batch", 1, where)
        self.queue_name = queue_name
        self.conn_id = conn_id
        self.max_batch = max_batch
        self.wanted = BlobFilter.of(
            where,
            container=container,
            prefix=prefix,
            suffix=suffix,
            pattern=pattern,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            content_type=content_type,
            event_types=event_types,
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ("queue_name", "conn_id", "max_batch")
        given = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**given, **self.wanted.arguments()}

    def shared_stream_key(self) -> Hashable:
        return ("azure-storage-queue", self.conn_id, self.queue_name)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        return _shared_producer(kwargs)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Batch]) -> AsyncIterator[TriggerEvent]:
        async for batch in shared_stream:
            for event in self._events_for(batch):
                yield event

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Read the queue alone: for Airflow before 3.3, which has no shared streams."""
        queue = await _open_queue(self.queue_name, self.conn_id)
        acknowledging: set[asyncio.Task[None]] = set()
        try:
            async for batch in queue.batches():
                for event in self._events_for(batch):
                    yield event
                task = asyncio.create_task(_acknowledge_later(queue, batch))
                acknowledging.add(task)
                task.add_done_callback(acknowledging.discard)
        finally:
            for task in acknowledging:
                task.cancel()
            await queue.aclose()

    def _events_for(self, batch: Batch) -> Iterator[TriggerEvent]:
        blobs = [event.to_payload() for event in in_order(filter(self.wanted.accepts, batch.events))]
        # The reader is shared, so the size of its batches is none of this watcher's.
        for start in range(0, len(blobs), self.max_batch):
            yield TriggerEvent({"blobs": blobs[start : start + self.max_batch]})


async def _open_queue(queue_name: str, conn_id: str) -> BlobEventQueue:
    """A reader of the queue, once the connection works."""
    from airflow_batch_provider.client.blob_queue import BlobEventQueue

    what = f"Queue {queue_name!r} is not read"
    meanwhile = "Blobs that arrive now are kept by the queue and come later."
    storage = await connected(conn_id, what, meanwhile, lambda storage: storage.check_queues())
    return BlobEventQueue(storage.async_queue_client, queue_name)


async def _acknowledge_later(queue: BlobEventQueue, batch: Batch) -> None:
    await asyncio.sleep(STORED_WITHIN)
    await queue.acknowledge(batch)


def _shared_producer(kwargs: dict[str, Any]) -> SharedStreamProducer:
    """The reader that sibling watchers share. A function, since its base class exists from Airflow 3.3 on."""
    from airflow.triggers.shared_stream import SharedStreamProducer

    class BlobEventProducer(SharedStreamProducer):
        queue: BlobEventQueue | None = None

        async def open_stream(self) -> AsyncIterator[tuple[Batch, Batch]]:
            trigger = BlobCreatedTrigger(**kwargs)
            self.queue = await _open_queue(trigger.queue_name, trigger.conn_id)
            async for batch in self.queue.batches():
                yield batch, batch

        async def advance(self, batch: Sequence[AdvanceItem]) -> None:
            assert self.queue is not None
            for item in batch:
                if item.outcome.is_clean:
                    await self.queue.acknowledge(item.broker_payload)
                else:
                    log.warning(
                        "Events were not stored; the queue %r will deliver them again.", self.queue.name
                    )
                    self.queue.release(item.broker_payload)

        async def aclose(self) -> None:
            if self.queue is not None:
                await self.queue.aclose()

    return BlobEventProducer()
