"""The reader of a storage queue that all its watchers in a triggerer share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from airflow_batch_provider.triggers.connecting import connected

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

    from airflow_batch_provider.client.blobs.announcements import Batch
    from airflow_batch_provider.client.blobs.blob_queue import BlobEventQueue

log = logging.getLogger(__name__)

STORED_WITHIN = 15.0
"""Seconds after which an event is taken as stored where Airflow (before 3.3) does not say."""

NOT_STORED = "Airflow did not store its asset event in time; the triggerer's log says more"


async def read_alone(queue_name: str, conn_id: str, max_deliveries: int) -> AsyncIterator[Batch]:
    """Read a queue for one watcher: for Airflow before 3.3, which has no shared streams."""
    queue = await open_queue(queue_name, conn_id, max_deliveries)
    acknowledging: set[asyncio.Task[None]] = set()
    try:
        async for batch in queue.batches():
            yield batch
            task = asyncio.create_task(_acknowledge_later(queue, batch))
            acknowledging.add(task)
            task.add_done_callback(acknowledging.discard)
    finally:
        for task in acknowledging:
            task.cancel()
        await queue.aclose()


async def open_queue(queue_name: str, conn_id: str, max_deliveries: int) -> BlobEventQueue:
    """A reader of the queue, once the connection works."""
    from airflow_batch_provider.client.blobs.blob_queue import BlobEventQueue, QueueTiming

    what = f"Queue {queue_name!r} is not read"
    meanwhile = "Blobs that arrive now are kept by the queue and come later."
    storage = await connected(conn_id, what, meanwhile, lambda storage: storage.check_queues())
    timing = QueueTiming(max_deliveries=max_deliveries)
    return BlobEventQueue(storage.async_queue_client, queue_name, timing)


async def _acknowledge_later(queue: BlobEventQueue, batch: Batch) -> None:
    await asyncio.sleep(STORED_WITHIN)
    await queue.acknowledge(batch)


def shared_producer(queue_name: str, conn_id: str, max_deliveries: int) -> SharedStreamProducer:
    """The reader that sibling watchers share. A function, since its base class exists from Airflow 3.3 on."""
    from airflow.triggers.shared_stream import SharedStreamProducer

    class BlobEventProducer(SharedStreamProducer):
        queue: BlobEventQueue | None = None

        async def open_stream(self) -> AsyncIterator[tuple[Batch, Batch]]:
            self.queue = await open_queue(queue_name, conn_id, max_deliveries)
            async for batch in self.queue.batches():
                yield batch, batch

        async def advance(self, batch: Sequence[AdvanceItem]) -> None:
            assert self.queue is not None
            for item in batch:
                done: Batch = item.broker_payload
                if item.outcome.is_clean:
                    await self.queue.acknowledge(done)
                elif done.news or done.told:
                    log.warning(
                        "Events were not stored; the queue %r will deliver them again.", self.queue.name
                    )
                    self.queue.release((*done.news, *done.told), NOT_STORED)

        async def aclose(self) -> None:
            if self.queue is not None:
                await self.queue.aclose()

    return BlobEventProducer()
