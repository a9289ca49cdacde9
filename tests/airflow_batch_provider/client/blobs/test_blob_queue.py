"""Reading blob events from a real storage queue: batches, duplicates, poison, and what a crash leaves."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from airflow_batch_provider.client.blobs.announcements import Batch
from airflow_batch_provider.client.blobs.blob_queue import BlobEventQueue, QueueTiming
from demo.stack.accounts import StorageAccount

pytestmark = pytest.mark.slow

QUICK = QueueTiming(poll=0.02, settle=0.0, quiet=0.1, visibility=30, max_deliveries=2)


def message(name: str, *, etag: str = "0x1", event_id: str | None = None) -> str:
    event = {
        "id": event_id or uuid.uuid4().hex,
        "subject": f"/blobServices/default/containers/incoming/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-22T00:00:00Z",
        "data": {
            "api": "PutBlob",
            "eTag": etag,
            "url": f"http://storage/incoming/{name}",
            "contentLength": 3,
        },
    }
    return base64.b64encode(json.dumps(event).encode()).decode()


class Bench:
    """A queue of its own, with the two sides of it."""

    def __init__(self, storage: StorageAccount) -> None:
        self.name = f"events-{uuid.uuid4().hex[:12]}"
        self._storage = storage

    def client(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(self._storage.connection_string, name)

    async def send(self, *texts: str) -> None:
        async with self.client(self.name) as client:
            for text in texts:
                await client.send_message(text)

    async def left(self, name: str | None = None) -> int:
        async with self.client(name or self.name) as client:
            return int((await client.get_queue_properties()).approximate_message_count)

    async def poison(self) -> list[dict[str, Any]]:
        async with self.client(f"{self.name}-poison") as client:
            return [json.loads(base64.b64decode(found.content)) async for found in client.receive_messages()]

    def reader(self, timing: QueueTiming = QUICK) -> BlobEventQueue:
        return BlobEventQueue(self.client, self.name, timing)


@pytest.fixture
async def bench(azurite: StorageAccount) -> Bench:
    bench = Bench(azurite)
    async with bench.client(bench.name) as client:
        await client.create_queue()
    return bench


async def next_batch(batches: AsyncIterator[Batch]) -> Batch:
    """The next batch with something new, of which everything is held and told of."""

    async def find() -> Batch:
        return await anext(batch async for batch in batches if batch.news)

    batch = await asyncio.wait_for(find(), 20)
    for known in batch.news:
        known.hold()
    batch.told.extend(batch.news)
    return batch


def names(batch: Batch) -> list[str]:
    return sorted(event.name for event in batch.events)


async def test_a_burst_is_one_batch(bench: Bench) -> None:
    queue = bench.reader()
    await bench.send(*(message(f"{i}.mp4") for i in range(5)))

    batch = await next_batch(queue.batches())

    assert names(batch) == [f"{i}.mp4" for i in range(5)]
    await queue.aclose()


async def test_messages_stay_until_they_are_acknowledged(bench: Bench) -> None:
    queue = bench.reader()
    await bench.send(message("a"))
    batch = await next_batch(queue.batches())
    assert await bench.left() == 1

    await queue.acknowledge(batch)

    assert await bench.left() == 0
    await queue.aclose()


async def test_who_died_before_acknowledging_leaves_the_message_to_the_next(bench: Bench) -> None:
    timing = QueueTiming(poll=0.02, quiet=0.1, settle=0.0, visibility=1)
    died = bench.reader(timing)
    await bench.send(message("a"))
    await next_batch(died.batches())
    await died.aclose()

    restarted = bench.reader(timing)
    batch = await next_batch(restarted.batches())

    assert names(batch) == ["a"]
    await restarted.aclose()


async def test_the_same_version_announced_twice_comes_once_and_both_messages_go(bench: Bench) -> None:
    queue = bench.reader()
    await bench.send(message("a", event_id="1"), message("a", event_id="1"), message("b"))

    batch = await next_batch(queue.batches())
    await queue.acknowledge(batch)

    assert names(batch) == ["a", "b"]
    assert await bench.left() == 0
    await queue.aclose()


async def test_a_repetition_after_storing_is_dropped_but_a_new_version_comes(bench: Bench) -> None:
    queue = bench.reader()
    batches = queue.batches()
    await bench.send(message("a", etag="0x1"))
    await queue.acknowledge(await next_batch(batches))

    await bench.send(message("a", etag="0x1"), message("a", etag="0x2"))
    batch = await next_batch(batches)
    await queue.acknowledge(batch)

    assert [event.etag for event in batch.events] == ["0x2"]
    assert await bench.left() == 0
    await queue.aclose()


async def test_a_released_batch_is_delivered_again(bench: Bench) -> None:
    queue = bench.reader(QueueTiming(poll=0.02, quiet=0.1, settle=0.0, visibility=1))
    batches = queue.batches()
    await bench.send(message("a"))
    queue.release((await next_batch(batches)).told, "the database is full")

    assert names(await next_batch(batches)) == ["a"]
    await queue.aclose()


async def test_what_is_no_event_is_set_aside_with_the_reason(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    queue = bench.reader()
    await bench.send("rubbish", message("good"))

    batch = await next_batch(queue.batches())

    assert names(batch) == ["good"]
    [note] = await bench.poison()
    assert note["text"] == "rubbish"
    assert "not a blob event" in note["reason"]
    assert "set aside" in caplog.text
    await queue.aclose()


@pytest.mark.parametrize("rubbish", ["x" * 65_000, "é" * 20_000, '"' * 40_000])
async def test_what_is_set_aside_fits_into_a_message(bench: Bench, rubbish: str) -> None:
    queue = bench.reader()
    await bench.send(rubbish, message("good"))

    assert names(await next_batch(queue.batches())) == ["good"]

    [note] = await bench.poison()
    assert note["text"]
    assert rubbish.startswith(note["text"])
    await queue.aclose()


async def test_a_message_that_cannot_be_set_aside_keeps_no_other_from_being_read(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def without_poison(name: str) -> QueueClient:
        # A name that no queue may have stands in for a connection that may not create one.
        return bench.client(name.replace("-poison", "--"))

    queue = BlobEventQueue(without_poison, bench.name, QUICK)
    await bench.send("rubbish", message("good"))

    batch = await next_batch(queue.batches())
    await queue.acknowledge(batch)

    assert names(batch) == ["good"]
    assert await bench.left() == 1
    assert "cannot be put into" in caplog.text
    await queue.aclose()


async def test_a_steady_trickle_does_not_hold_a_batch_open(bench: Bench) -> None:
    queue = bench.reader(QueueTiming(poll=0.02, quiet=0.1, longest=0.3, settle=0.0))
    stop = asyncio.Event()

    async def trickle() -> None:
        number = 0
        while not stop.is_set():
            await bench.send(message(str(number)))
            number += 1

    sending = asyncio.create_task(trickle())
    try:
        batch = await next_batch(queue.batches())
    finally:
        stop.set()
        await sending

    assert batch.events
    await queue.aclose()


async def test_a_message_that_is_never_stored_is_set_aside(bench: Bench) -> None:
    queue = bench.reader(QueueTiming(poll=0.02, quiet=0.05, settle=0.0, visibility=1, max_deliveries=2))
    batches = queue.batches()
    await bench.send(message("cursed"))
    for _ in range(2):
        queue.release((await next_batch(batches)).told, "the database is full")

    waiting = asyncio.create_task(next_batch(batches))
    while not await poison_exists(bench):
        await asyncio.sleep(0.05)
    await bench.send(message("fine"))

    assert names(await waiting) == ["fine"]
    [note] = await bench.poison()
    assert "delivered 3 times and never stored: the database is full" in note["reason"]
    await queue.aclose()


async def poison_exists(bench: Bench) -> bool:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return await bench.left(f"{bench.name}-poison") > 0
    except ResourceNotFoundError:
        return False


async def test_what_takes_long_to_store_is_delivered_to_nobody_else(bench: Bench) -> None:
    """Another reader, as of a second triggerer, looks for as long as two leases last, and this one has its
    hands full: it would take back what it has let go."""
    timing = QueueTiming(poll=0.02, settle=0.0, quiet=0.05, visibility=3, most_in_hand=1)
    queue, other = bench.reader(timing), bench.reader(timing)
    batches = queue.batches()
    await bench.send(message("slow"))
    batch = await next_batch(batches)
    elsewhere = asyncio.create_task(next_batch(other.batches()))
    loop = asyncio.get_running_loop()
    stored_after = loop.time() + 2 * timing.visibility

    async for tick in batches:
        assert tick.events == []
        assert not elsewhere.done()
        if loop.time() > stored_after:
            break
    await queue.acknowledge(batch)

    assert await bench.left() == 0
    elsewhere.cancel()
    await queue.aclose()
    await other.aclose()


async def test_an_event_is_deleted_when_the_last_of_its_watchers_has_stored_it(bench: Bench) -> None:
    queue = bench.reader()
    batches = queue.batches()
    await bench.send(message("a"))
    first = await next_batch(batches)
    first.news[0].hold()
    await queue.acknowledge(first)
    assert await bench.left() == 1

    second = await anext(batches)
    second.told.extend(first.news)
    await queue.acknowledge(second)

    assert await bench.left() == 0
    await queue.aclose()


@pytest.mark.parametrize("deliveries", [{"unwanted_deliveries": 2}, {"max_deliveries": 2}])
async def test_what_no_watcher_wants_is_left_to_others_and_deleted_in_the_end(
    bench: Bench, deliveries: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    timing = QueueTiming(poll=0.02, settle=0.0, quiet=0.05, visibility=1, **deliveries)
    queue = bench.reader(timing)
    await bench.send(message("a"))

    shown: list[str] = []
    left: list[int] = []
    async for batch in queue.batches():
        shown += names(batch)
        await queue.acknowledge(batch)
        left.append(await bench.left())
        if len(shown) == 2:
            break

    assert left == [1, 0]
    assert caplog.text.count("no watcher here wants blob 'a' of container") == 1
    await queue.aclose()


async def test_no_more_is_received_than_may_be_in_hand(bench: Bench) -> None:
    queue = bench.reader(QueueTiming(poll=0.02, settle=0.0, quiet=0.05, visibility=30, most_in_hand=3))
    batches = queue.batches()
    await bench.send(*(message(str(number)) for number in range(5)))

    full = await next_batch(batches)
    assert len(full.events) == 3
    assert (await anext(batches)).events == []
    await queue.acknowledge(full)

    assert len((await next_batch(batches)).events) == 2
    await queue.aclose()


async def test_a_missing_queue_is_said_once_and_waited_for(
    azurite: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(azurite)
    queue = bench.reader()
    waiting = asyncio.create_task(next_batch(queue.batches()))
    while "can't be read (ResourceNotFoundError QueueNotFound)" not in caplog.text:
        await asyncio.sleep(0.01)

    async with bench.client(bench.name) as client:
        await client.create_queue()
    await bench.send(message("late"))

    assert names(await waiting) == ["late"]
    assert caplog.text.count("can't be read") == 1
    await queue.aclose()


def test_good_events_outlast_an_hour_in_which_airflow_stores_nothing() -> None:
    timing = QueueTiming()

    assert timing.visibility * timing.max_deliveries >= 3600
