"""The watcher under Airflow's own shared stream: filters, sizes, acknowledgement, a wrong connection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from airflow_batch_provider.client.blobs import blob_queue
from airflow_batch_provider.client.blobs.announcements import Announcement, Batch
from airflow_batch_provider.client.blobs.blob_events import parse_message
from airflow_batch_provider.client.blobs.blob_queue import QueueTiming
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.triggers import backlog, blob_events, connecting
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AIRFLOW
from tests.connections import connection_to

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
    monkeypatch.setenv("AIRFLOW_CONN_WATCHED", connection_to(None, **extra))


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
    blobs = [("in1", "1.mp4"), ("in1", "2.mp4"), ("in1", "3.mp4"), ("in1", "notes.txt"), ("other", "4.mp4")]
    for blob in blobs:
        await queue.send_message(message(*blob))
    common: dict[str, Any] = {"queue_name": queue.queue_name, "conn_id": "watched"}

    triggerer.start(
        BlobCreatedTrigger(**common, container="in1", suffix=".mp4", max_batch=2),
        BlobCreatedTrigger(**common, container="other"),
    )
    await until(lambda: all(triggerer.events.values()) and len(triggerer.events[0]) > 1)

    assert triggerer.events == {0: [["1.mp4", "2.mp4"], ["3.mp4"]], 1: [["4.mp4"]]}
    assert await left(queue) == len(blobs)
    triggerer.store()

    async def only_what_nobody_wants_is_left() -> bool:
        return await left(queue) == 1

    await until(only_what_nobody_wants_is_left)


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
    await queue.send_message(message("in1", "a"))
    triggerer.start(BlobCreatedTrigger(queue_name=queue.queue_name, conn_id="watched"))
    await until(lambda: "cannot be used" in caplog.text)
    assert "Airflow has no connection 'watched'" in caplog.text

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


@pytest.mark.slow
async def test_a_watcher_that_ends_leaves_what_it_held_back_to_the_next(
    queue: QueueClient, azurite: StorageAccount, triggerer: Triggerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, storage_connection_string=azurite.connection_string)
    monkeypatch.setattr(
        blob_queue, "QueueTiming", lambda **given: QueueTiming(settle=0.0, visibility=1, **given)
    )
    await queue.send_message(message("in1", "a"))
    common: dict[str, Any] = {"queue_name": queue.queue_name, "conn_id": "watched"}
    triggerer.start(BlobCreatedTrigger(**common, quiet_period=3600))

    async def is_received() -> bool:
        return not await queue.peek_messages()

    await until(is_received)
    await triggerer.stop()

    again = Triggerer()
    again.start(BlobCreatedTrigger(**common))
    await until(lambda: again.events[0])
    await again.stop()

    assert again.events == {0: [["a"]]}


@pytest.mark.slow
async def test_a_message_is_poison_after_as_many_deliveries_as_the_author_says(
    queue: QueueClient, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, storage_connection_string=azurite.connection_string)
    monkeypatch.setattr(
        blob_queue, "QueueTiming", lambda **given: QueueTiming(settle=0, visibility=1, **given)
    )
    await queue.send_message(message("in1", "a"))
    name = queue.queue_name
    holding = BlobCreatedTrigger(name, "watched", quiet_period=3600, max_deliveries=2)

    async def is_received() -> bool:
        return not await queue.peek_messages()

    for _ in range(2):
        triggerer = Triggerer()
        triggerer.start(BlobCreatedTrigger(**holding.serialize()[1]))
        await until(is_received)
        await triggerer.stop()
        await until(queue.peek_messages)

    last = Triggerer()
    last.start(holding)
    async with QueueClient.from_connection_string(azurite.connection_string, f"{name}-poison") as poison:

        async def notes() -> list[dict[str, Any]]:
            with contextlib.suppress(ResourceNotFoundError):
                return [json.loads(base64.b64decode(each.content)) for each in await poison.peek_messages()]
            return []

        await until(notes)
        [note] = await notes()
    await last.stop()

    assert note["reason"].startswith("delivered 3 times and never stored")
    assert last.events == {0: []}


async def test_watchers_of_a_queue_that_differ_in_deliveries_are_told_what_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await fired(BlobCreatedTrigger(max_deliveries=5), [shown("a"), shown()]) == [["a"], []]

    assert caplog.text.count("max_deliveries=5, but the reader that it shares has 60") == 1


def shown(*names: str) -> Batch:
    return Batch([Announcement(parse_message(message("in1", name))) for name in names])


async def fired(trigger: BlobCreatedTrigger, batches: list[Batch]) -> list[list[str]]:
    """What a watcher tells of each batch."""
    told: list[list[str]] = []

    async def stream() -> AsyncIterator[Batch]:
        for batch in batches:
            told.append([])
            yield batch

    async for event in trigger.filter_shared_stream(stream()):
        told[-1] += [blob["name"] for blob in event.payload["blobs"]]
    return told


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute between two batches."""
    minutes = itertools.count()
    monkeypatch.setattr(blob_events, "monotonic", lambda: 60.0 * next(minutes))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("batching", "batches", "told"),
    [
        ({}, [["a", "b"], ["c"]], [["a", "b"], ["c"]]),
        ({"max_batch": 2}, [["a", "b", "c"], []], [["a", "b"], ["c"]]),
        ({"min_batch": 3, "longest_wait": 3600}, [["a"], ["b", "c", "d"]], [[], ["a", "b", "c", "d"]]),
        ({"min_batch": 3, "longest_wait": timedelta(minutes=2)}, [["a"], [], []], [[], [], ["a"]]),
        ({"quiet_period": timedelta(minutes=1)}, [["a"], [], ["b"], []], [[], ["a"], [], ["b"]]),
        ({"quiet_period": 90}, [["a"], ["b"], [], []], [[], [], [], ["a", "b"]]),
        ({"quiet_period": 90, "longest_wait": 120}, [["a"], ["b"], ["c"]], [[], [], ["a", "b", "c"]]),
    ],
)
async def test_blobs_are_told_one_by_one_so_many_together_or_when_no_more_come(
    batching: dict[str, Any], batches: list[list[str]], told: list[list[str]]
) -> None:
    trigger = BlobCreatedTrigger(**batching)
    again = BlobCreatedTrigger(**trigger.serialize()[1])

    assert await fired(again, [shown(*names) for names in batches]) == told


@pytest.mark.usefixtures("clock")
async def test_blobs_wait_while_their_dag_has_its_fill_of_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unfinished = iter([0, 2, 1])
    asked: list[str] = []

    async def unfinished_runs(dag_id: str) -> int:
        asked.append(dag_id)
        return next(unfinished)

    monkeypatch.setattr(backlog, "_unfinished_runs", unfinished_runs)
    caplog.set_level("INFO")
    trigger = BlobCreatedTrigger(dag_ids="ingest", max_runs=2)

    told = await fired(trigger, [shown("a"), shown("b"), shown("c")])

    assert told == [["a"], [], ["b", "c"]]
    assert set(asked) == {"ingest"}
    assert "DAG 'ingest' has 2 run(s) that have not ended" in caplog.text


@pytest.mark.usefixtures("clock")
async def test_blobs_wait_while_runs_cannot_be_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers: Iterator[Exception | int] = iter([ConnectionError("secret"), TimeoutError(), 0])

    async def unfinished_runs(dag_id: str) -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(backlog, "_unfinished_runs", unfinished_runs)
    caplog.set_level("INFO")
    told = await fired(BlobCreatedTrigger(dag_ids=["ingest"]), [shown("a"), shown("b"), shown()])

    assert told == [[], [], ["a", "b"]]
    assert caplog.text.count("cannot be counted (ConnectionError)") == 1
    assert "secret" not in caplog.text


async def test_what_a_watcher_holds_it_gives_up_when_it_ends() -> None:
    given_up: list[str] = []
    batch = shown("a", "b")
    batch.give_up = lambda rest, reason: given_up.extend(known.event.name for known in rest)

    assert await fired(BlobCreatedTrigger(quiet_period=60), [batch]) == [[]]

    assert given_up == ["a", "b"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"max_batch": 0}, "max_batch is 0"),
        ({"max_batch": 1001}, "at most 1000"),
        ({"min_batch": 5}, "without longest_wait"),
        ({"longest_wait": timedelta(minutes=5)}, "longest_wait is 300 s without min_batch or quiet_period"),
        ({"longest_wait": 0}, "longest_wait is 0 s without min_batch"),
        ({"min_batch": 5, "longest_wait": 0}, "longest_wait is 0 s: no blob waits until there are 5"),
        ({"quiet_period": timedelta.max}, "quiet_period is more than ten years. Give 3653 days or less"),
        ({"min_batch": 5, "longest_wait": timedelta.max}, "longest_wait is more than ten years"),
        ({"conn_id": "{{ var.value.conn }}"}, "conn_id is "),
        ({"suffix": [".csv", "{{ var.value.end }}"]}, "suffix is '{{ var.value.end }}', and nothing"),
        ({"pattern": "{{ ds }}/*"}, "and nothing fills in its braces"),
        ({"dag_ids": "{{ dag.dag_id }}"}, "renders no Jinja in a trigger"),
        ({"prefix": "scans/{%Y/%m}/"}, "only the prefix of a BlobListedTrigger takes dates"),
        ({"dag_ids": None}, "dag_ids is None"),
        ({"dag_ids": 5}, "dag_ids is 5"),
        ({"dag_ids": ["a", None]}, r"dag_ids is \['a', None\]"),
        ({"prefix": "scans/", "pattern": "*.tiff"}, "begins with the prefix 'scans/' and matches"),
        ({"suffix": ".csv", "pattern": "**.tiff"}, "ends with the suffix '.csv' and matches"),
        ({"min_batch": 5, "max_batch": 4, "longest_wait": 1}, "above max_batch"),
        ({"quiet_period": timedelta(seconds=-1)}, "quiet_period is"),
        ({"longest_wait": "1h"}, "longest_wait is '1h'"),
        ({"dag_ids": [None]}, "dag_ids"),
        ({"max_runs": None}, "max_runs is None"),
        ({"pattern": 5}, "pattern is 5"),
        ({"queue_name": ""}, "queue_name is ''"),
        ({"queue_name": None}, "queue_name is None"),
        ({"queue_name": "Blob_Events"}, r"queue_name is 'Blob_Events'\. .*'blob-events' would do"),
        ({"queue_name": "blob--events"}, "single hyphens"),
        ({"queue_name": "x" * 80}, "3 to 63"),
        ({"queue_name": "x" * 57}, "57 characters. Let it have 56 at most.*<queue>-poison"),
        ({"conn_id": None}, "conn_id is missing"),
        ({"quiet_period": timedelta(hours=2), "longest_wait": 60}, "60 s, below quiet_period"),
        ({"max_deliveries": 0}, "max_deliveries is 0"),
        ({"max_deliveries": "5"}, "max_deliveries is '5'"),
        ({"max_deliveries": None}, "max_deliveries is None"),
        ({"max_runs": 3}, "max_runs is 3 without dag_ids"),
    ],
)
def test_what_cannot_work_is_refused_at_parse(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(SpecError, match=f"^BlobCreatedTrigger: .*{why}"):
        BlobCreatedTrigger(**wrong)


async def test_a_watcher_tells_only_what_it_wants() -> None:
    trigger = BlobCreatedTrigger(suffix=(".mp4", ".mov"))
    batch = shown("a.MP4", "b.mov", "c.txt")

    assert await fired(BlobCreatedTrigger(**trigger.serialize()[1]), [batch]) == [["a.MP4", "b.mov"]]
    assert [known.was_wanted for known in batch.news] == [True, True, False]
