"""The watcher under Airflow's own shared stream: filters, sizes, acknowledgement, a wrong connection."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from airflow_batch_provider.client.blob_events import BLOB_CREATED, BlobEvent
from airflow_batch_provider.client.blob_queue import Batch
from airflow_batch_provider.triggers import connecting
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AIRFLOW

if AIRFLOW < (3, 3):
    pytest.skip("needs what Airflow has from 3.3 on", allow_module_level=True)
from airflow.triggers.shared_stream import SharedStreamManager

WAIT = 30.0


def message(container: str, name: str) -> str:
    event = {
        "id": uuid.uuid4().hex,
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-22T00:00:00Z",
        "data": {"api": "PutBlob", "eTag": "0x1", "url": f"http://storage/{container}/{name}"},
    }
    return base64.b64encode(json.dumps(event).encode()).decode()


class Triggerer:
    """Runs watchers as Airflow's triggerer does, and stores their events when it is told to."""

    def __init__(self) -> None:
        self.manager = SharedStreamManager(ack_timeout=WAIT)
        self.events: dict[int, list[list[str]]] = {}
        self._unconfirmed: list[int] = []
        self._running: list[asyncio.Task[None]] = []

    def start(self, *triggers: BlobCreatedTrigger) -> None:
        for number, trigger in enumerate(triggers):
            self.events[number] = []
            self._running.append(asyncio.create_task(self._run(number, trigger)))

    async def _run(self, number: int, trigger: BlobCreatedTrigger) -> None:
        key = trigger.shared_stream_key()
        stream = self.manager.subscribe(trigger_id=number, trigger=trigger, key=key)
        async for event in trigger.filter_shared_stream(stream):
            seq = self.manager.bind_pending_event(trigger_id=number, key=key)
            assert seq is not None
            self._unconfirmed.append(seq)
            self.events[number].append([blob["name"] for blob in event.payload["blobs"]])

    def store(self) -> None:
        self.manager.confirm_persisted(self._unconfirmed)

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.manager.stop_all()


@pytest.fixture
async def triggerer() -> AsyncIterator[Triggerer]:
    triggerer = Triggerer()
    yield triggerer
    await triggerer.stop()


def connect(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    connection = {
        "conn_type": "azurebatch",
        "host": "http://127.0.0.1:1",
        "login": "account",
        "password": "a2V5LW9mLXRoZS1hY2NvdW50",
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_WATCHED", json.dumps(connection))


@pytest.fixture
async def queue(azurite: StorageAccount) -> AsyncIterator[QueueClient]:
    name = f"events-{uuid.uuid4().hex[:12]}"
    async with QueueClient.from_connection_string(azurite.connection_string, name) as client:
        await client.create_queue()
        yield client


async def until(condition: Any) -> None:
    async def poll() -> None:
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(poll(), WAIT)


@pytest.mark.slow
async def test_watchers_of_one_queue_get_what_their_filters_and_sizes_say_and_it_is_deleted_once_stored(
    queue: QueueClient, azurite: StorageAccount, triggerer: Triggerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, storage_connection_string=azurite.connection_string)
    blobs = [("in", "1.mp4"), ("in", "2.mp4"), ("in", "3.mp4"), ("in", "notes.txt"), ("other", "4.mp4")]
    for blob in blobs:
        await queue.send_message(message(*blob))
    common: dict[str, Any] = {"queue_name": queue.queue_name, "conn_id": "watched"}

    triggerer.start(
        BlobCreatedTrigger(**common, container="in", suffix=".mp4", max_batch=2),
        BlobCreatedTrigger(**common, container="other"),
    )
    await until(lambda: all(triggerer.events.values()) and len(triggerer.events[0]) > 1)

    assert triggerer.events == {0: [["1.mp4", "2.mp4"], ["3.mp4"]], 1: [["4.mp4"]]}
    assert await left(queue) == len(blobs)
    triggerer.store()

    async def empty() -> bool:
        return await left(queue) == 0

    await until(empty)


async def left(queue: QueueClient) -> int:
    return (await queue.get_queue_properties()).approximate_message_count or 0


@pytest.mark.slow
async def test_a_connection_that_is_missing_is_said_once_and_waited_for(
    queue: QueueClient,
    azurite: StorageAccount,
    triggerer: Triggerer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connecting, "REOPEN_SECONDS", 0.01)
    await queue.send_message(message("in", "a"))
    triggerer.start(BlobCreatedTrigger(queue_name=queue.queue_name, conn_id="watched"))
    await until(lambda: "cannot be used" in caplog.text)
    assert "isn't defined" in caplog.text

    connect(monkeypatch, storage_connection_string=azurite.connection_string)
    await until(lambda: triggerer.events[0])

    assert triggerer.events == {0: [["a"]]}
    assert caplog.text.count("cannot be used") == 1


async def test_a_connection_that_does_not_tell_where_the_queues_are_is_explained(
    triggerer: Triggerer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "BlobEndpoint=http://127.0.0.1:1/acct;AccountName=acct;AccountKey=a2V5c2VjcmV0"
    connect(monkeypatch, storage_connection_string=text)
    triggerer.start(BlobCreatedTrigger(conn_id="watched"))

    await until(lambda: "cannot be used" in caplog.text)

    assert "QueueEndpoint" in caplog.text
    assert "a2V5c2VjcmV0" not in caplog.text


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_of_nothing_is_refused_at_parse(size: int) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        BlobCreatedTrigger(max_batch=size)


@pytest.mark.parametrize(
    ("suffix", "fires_for"),
    [("", ["a.MP4", "b.mov", "c.txt"]), (".mp4", ["a.MP4"]), ((".mp4", ".mov"), ["a.MP4", "b.mov"])],
)
def test_suffixes_choose_blobs_in_any_case_of_letters(suffix: Any, fires_for: list[str]) -> None:
    trigger = BlobCreatedTrigger(suffix=suffix)
    again = BlobCreatedTrigger(**trigger.serialize()[1])
    names = ["a.MP4", "b.mov", "c.txt"]
    batch = Batch(
        [
            BlobEvent(name, BLOB_CREATED, f"http://s/c/{name}", "c", name, "", 1, "", "", "", "")
            for name in names
        ]
    )

    fired = [blob["name"] for event in again._events_for(batch) for blob in event.payload["blobs"]]

    assert fired == fires_for
