"""The local Event Grid on real storage: no write of a blob is lost, whatever happens."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient, ContentSettings
from azure.storage.queue import QueueServiceClient

from demo.stack import LocalStack, StackOptions
from demo.stack.accounts import StorageAccount
from demo.stack.eventgrid import NAME, eventgrid_component

pytestmark = pytest.mark.slow

SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = StackOptions(tmp_path_factory.mktemp("storage"), with_emulator=False, subscriptions=())
    with LocalStack(options) as running:
        yield running


class Place:
    """A container and the queue that its events go to."""

    def __init__(self, stack: LocalStack, data_dir: Path) -> None:
        self.stack, self.data_dir = stack, data_dir
        name = f"in-{uuid4().hex[:8]}"
        blobs = BlobServiceClient.from_connection_string(stack.storage.connection_string)
        self.container: ContainerClient = blobs.create_container(name)
        queues = QueueServiceClient.from_connection_string(stack.storage.connection_string)
        self.queue = queues.get_queue_client(f"q-{name}")
        self.queue.create_queue()
        self.filters = [""]

    @contextmanager
    def event_grid(self, *options: str) -> Iterator[None]:
        supervisor = self.stack.supervisor
        pair = f"container={self.container.container_name},queue={self.queue.queue_name}"
        texts = [f"{pair},{each}".rstrip(",") for each in self.filters]
        log = supervisor.log_of(NAME)
        supervisor.start(
            eventgrid_component(
                self.stack.storage, texts, self.data_dir, log, ("--poll-seconds", "0.1", *options)
            )
        )
        supervisor.wait_ready(NAME)
        try:
            yield
        finally:
            supervisor.stop(NAME)

    def read(self, count: int) -> list[dict[str, Any]]:
        """Exactly `count` events in the order of arrival."""
        events: list[dict[str, Any]] = []

        def enough() -> bool:
            for message in self.queue.receive_messages(messages_per_page=32):
                events.append(json.loads(base64.b64decode(message.content)))
                self.queue.delete_message(message)
            return len(events) >= count

        assert wait_until(enough), f"{len(events)} of {count} events came"
        assert len(events) == count
        return events

    def settle(self) -> None:
        """Until all that happened so far was looked at: a marker's event has come."""
        self.container.upload_blob("marker", uuid4().hex, overwrite=True)
        assert [event["subject"][-6:] for event in self.read(1)] == ["marker"]


@pytest.fixture
def place(stack: LocalStack, tmp_path: Path) -> Place:
    return Place(stack, tmp_path)


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(e["data"]["api"], e["subject"].split("/blobs/")[1]) for e in events]


def test_a_blob_is_announced_as_azure_does(place: Place) -> None:
    with place.event_grid():
        blob = place.container.upload_blob(
            "day 1/clip é.mp4", b"12345", content_settings=ContentSettings(content_type="video/mp4")
        )
        (event,) = place.read(1)
    assert event["topic"].endswith("/storageAccounts/devstoreaccount1")
    assert event["subject"].endswith("/blobs/day 1/clip é.mp4")
    data = event["data"]
    assert (data["api"], data["contentLength"], data["contentType"]) == ("PutBlob", 5, "video/mp4")
    assert data["eTag"] == blob.get_blob_properties().etag.strip('"')
    assert data["url"] == blob.url


def test_created_by_blocks_overwritten_deleted(place: Place) -> None:
    with place.event_grid():
        blob = place.container.get_blob_client("a")
        blob.stage_block("MQ==", b"1")
        blob.commit_block_list([BlobBlock("MQ==")])
        first = place.read(1)
        blob.upload_blob(b"2", overwrite=True)
        second = place.read(1)
        blob.delete_blob()
        third = place.read(1)
    events = first + second + third
    assert told(events) == [("PutBlockList", "a"), ("PutBlob", "a"), ("DeleteBlob", "a")]
    order = [event["data"]["sequencer"] for event in events]
    assert order == sorted(set(order))
    assert len({event["id"] for event in events}) == 3


def test_metadata_is_no_event(place: Place) -> None:
    with place.event_grid():
        blob = place.container.upload_blob("a", b"1")
        place.read(1)
        blob.set_blob_metadata({"state": "done"})
        place.settle()


def test_nothing_is_lost_or_told_twice_over_a_restart(place: Place) -> None:
    place.container.upload_blob("before", b"1")
    with place.event_grid():
        assert told(place.read(1)) == [("PutBlob", "before")]
    place.container.upload_blob("between", b"1")
    place.container.delete_blob("before")
    with place.event_grid():
        assert sorted(told(place.read(2))) == [("DeleteBlob", "before"), ("PutBlob", "between")]
        place.settle()


def test_existing_blobs_can_be_skipped(place: Place) -> None:
    place.container.upload_blob("before", b"1")
    with place.event_grid("--skip-existing"):
        place.settle()


def test_kill_9_in_a_burst_loses_nothing(place: Place) -> None:
    names = [f"v{number}" for number in range(30)]
    with place.event_grid():
        for name in names[:15]:
            place.container.upload_blob(name, b"1")
        place.stack.kill(NAME)
    for name in names[15:]:
        place.container.upload_blob(name, b"1")
    seen: dict[str, str] = {}
    with place.event_grid():

        def all_told() -> bool:
            for message in place.queue.receive_messages(messages_per_page=32):
                event = json.loads(base64.b64decode(message.content))
                name = event["subject"].split("/blobs/")[1]
                # A message sent twice is the same event: a consumer can drop it.
                assert seen.setdefault(name, event["id"]) == event["id"]
                place.queue.delete_message(message)
            return set(seen) == set(names)

        assert wait_until(all_told)


def test_duplicates_and_disorder_on_purpose(place: Place) -> None:
    for number in range(20):
        place.container.upload_blob(f"v{number:02}", b"1")
    with place.event_grid("--duplicate-rate", "1", "--disorder-rate", "0.5", "--seed", "3"):
        events = place.read(40)
    names = [event["subject"][-3:] for event in events]
    assert names != sorted(names)
    assert all(names.count(f"v{number:02}") == 2 for number in range(20))
    assert len({event["id"] for event in events}) == 20


def test_cloud_events_and_filters(place: Place) -> None:
    place.filters = ["schema=cloudevents,suffix=.mp4,events=created"]
    with place.event_grid():
        place.container.upload_blob("a.txt", b"1")
        place.container.upload_blob("b.mp4", b"1")
        place.container.delete_blob("b.mp4")
        place.container.upload_blob("c.mp4", b"1")
        names = set()
        while "c.mp4" not in names:
            (event,) = place.read(1)
            assert (event["specversion"], event["type"]) == ("1.0", "Microsoft.Storage.BlobCreated")
            names.add(event["subject"].split("/blobs/")[1])
    assert names <= {"b.mp4", "c.mp4"}  # b may have been deleted before it was seen


def test_two_subscriptions_may_share_container_and_queue(place: Place) -> None:
    place.filters = ["prefix=scans/,suffix=.tiff", "prefix=pages/"]
    names = ["pages/1", "scans/1.tiff", "pages/2", "scans/2.tiff"]
    with place.event_grid():
        for name in (*names, "scans/none.txt"):
            place.container.upload_blob(name, b"1")
        events = place.read(len(names))
    assert sorted(name for _, name in told(events)) == sorted(names)


def test_storage_that_goes_away_and_comes_back(place: Place, tmp_path: Path) -> None:
    options = StackOptions(tmp_path / "own", with_emulator=False, containers=("incoming",), subscriptions=())
    with LocalStack(options) as own:
        storage: StorageAccount = own.storage
        log = own.supervisor.log_of(NAME)
        own.supervisor.start(
            eventgrid_component(
                storage, ["container=incoming,queue=events"], tmp_path, log, ("--poll-seconds", "0.1")
            )
        )
        own.supervisor.wait_ready(NAME)
        own.stop("azurite")
        assert wait_until(lambda: "Storage does not answer" in log.read_text())
        own.restart("azurite")
        blobs = BlobServiceClient.from_connection_string(storage.connection_string)
        blobs.get_blob_client("incoming", "a").upload_blob(b"1")
        queues = QueueServiceClient.from_connection_string(storage.connection_string)
        queue = queues.get_queue_client("events")
        assert wait_until(lambda: bool(queue.get_queue_properties().approximate_message_count))
        assert "AccountKey" not in log.read_text()
