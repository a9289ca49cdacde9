"""Messages of Event Grid, in all the forms in which they are found in queues."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from airflow_batch_provider.client.blobs.blob_events import (
    BlobEvent,
    MalformedEventError,
    blob_from_url,
    parse_message,
)

DATA: dict[str, Any] = {
    "api": "PutBlockList",
    "eTag": '"0x8D4BCC2E4835CD0"',
    "contentType": "video/mp4",
    "contentLength": 524288,
    "url": "https://acct.blob.core.windows.net/incoming/a/b.mp4",
    "sequencer": "00000000000004420000000000028963",
}
SUBJECT = "/blobServices/default/containers/incoming/blobs/a/b.mp4"
EVENT_GRID: dict[str, Any] = {
    "topic": "/subscriptions/x",
    "subject": SUBJECT,
    "eventType": "Microsoft.Storage.BlobCreated",
    "eventTime": "2026-06-26T18:41:00.9584103Z",
    "id": "831e1650",
    "data": DATA,
}
CLOUD_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "source": "/subscriptions/x",
    "subject": SUBJECT,
    "type": "Microsoft.Storage.BlobCreated",
    "time": "2026-06-26T18:41:00.9584103Z",
    "id": "831e1650",
    "data": DATA,
}


def encoded(event: object) -> str:
    return base64.b64encode(json.dumps(event).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        encoded(EVENT_GRID),
        encoded(CLOUD_EVENT),
        encoded([EVENT_GRID]),
        json.dumps(EVENT_GRID),
        json.dumps([CLOUD_EVENT]),
    ],
    ids=["base64", "cloud event", "list of one", "plain", "plain list"],
)
def test_every_form_reads_as_the_same_event(text: str) -> None:
    event = parse_message(text)

    assert event == BlobEvent(
        id="831e1650",
        type="Microsoft.Storage.BlobCreated",
        url="https://acct.blob.core.windows.net/incoming/a/b.mp4",
        container="incoming",
        name="a/b.mp4",
        etag="0x8D4BCC2E4835CD0",
        size=524288,
        content_type="video/mp4",
        time="2026-06-26T18:41:00.9584103Z",
        sequencer="00000000000004420000000000028963",
        api="PutBlockList",
    )
    assert event.kind == "created"


def test_a_payload_comes_back_as_the_event_it_was() -> None:
    event = parse_message(encoded(EVENT_GRID))

    assert BlobEvent.from_payload(json.loads(json.dumps(event.to_payload()))) == event


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("CreateFile", ""),
        ("FlushWithClose", "created"),
        ("SftpCreate", ""),
        ("SftpWrite", ""),
        ("SftpCommit", "created"),
        ("CopyBlob", "created"),
        ("PutBlockList", "created"),
    ],
)
def test_only_complete_blobs_count_as_created(api: str, kind: str) -> None:
    assert parse_message(json.dumps(EVENT_GRID | {"data": DATA | {"api": api}})).kind == kind


def deleted(**data: str) -> str:
    named = {key: DATA[key] for key in ("url", "sequencer")}
    changed = {"eventType": "Microsoft.Storage.BlobDeleted", "data": {"api": "DeleteBlob", **named, **data}}
    return json.dumps(EVENT_GRID | changed)


def test_a_deletion_tells_no_size_and_is_another_version_than_what_it_deleted() -> None:
    event = parse_message(deleted(eTag=DATA["eTag"]))

    assert event.kind == "deleted"
    assert event.size == -1
    assert event.version != parse_message(json.dumps(EVENT_GRID)).version


def test_a_renaming_tells_both_names_at_the_blob_endpoint() -> None:
    at = "https://acct.dfs.core.windows.net/incoming"
    data = {"api": "RenameFile", "sourceUrl": f"{at}/new.dfs.tmp", "destinationUrl": f"{at}/a/b.mp4"}
    renamed = EVENT_GRID | {"eventType": "Microsoft.Storage.BlobRenamed", "data": data | {"sequencer": "7"}}

    event = parse_message(json.dumps(renamed))

    assert event.kind == "renamed"
    assert (event.container, event.name) == ("incoming", "a/b.mp4")
    assert event.url == DATA["url"]
    assert event.source_url == "https://acct.blob.core.windows.net/incoming/new.dfs.tmp"
    assert (event.size, event.content_type, event.etag) == (-1, "", "")


@pytest.mark.parametrize("kind", ["BlobTierChanged", "DirectoryCreated", "BlobInventoryPolicyCompleted"])
def test_other_things_that_happen_are_none_of_a_watchers(kind: str) -> None:
    assert parse_message(json.dumps(EVENT_GRID | {"eventType": f"Microsoft.Storage.{kind}"})).kind == ""


def test_a_payload_of_an_earlier_version_of_the_provider_is_read() -> None:
    payload = parse_message(encoded(EVENT_GRID)).to_payload()
    del payload["source_url"]

    assert BlobEvent.from_payload(payload).source_url == ""


def test_overwriting_a_blob_makes_another_version() -> None:
    first = parse_message(json.dumps(EVENT_GRID))
    second = parse_message(json.dumps(EVENT_GRID | {"id": "other", "data": DATA | {"eTag": "0x9"}}))

    assert first.version != second.version


def test_a_signature_in_the_url_is_dropped() -> None:
    event = parse_message(json.dumps(EVENT_GRID | {"data": DATA | {"url": DATA["url"] + "?sig=secret"}}))

    assert "secret" not in event.url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "JSON"),
        ("hello", "neither JSON nor base64"),
        ("{", "not valid JSON"),
        (json.dumps([EVENT_GRID, EVENT_GRID]), "expected one event"),
        (json.dumps({"eventType": "x"}), "no 'data'"),
        (json.dumps({"data": DATA, "subject": SUBJECT}), "neither 'eventType'"),
        (json.dumps(EVENT_GRID | {"subject": "/nothing"}), "names no blob"),
    ],
)
def test_what_is_no_blob_event_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(MalformedEventError, match=why):
        parse_message(text)


ODD = "sub/50% (a+b) #1?&é💎%41~.csv"
ODD_URL = "https://a.blob.x/in/sub/50%25%20%28a%2Bb%29%20%231%3F%26%C3%A9%F0%9F%92%8E%2541~.csv"


@pytest.mark.parametrize(
    ("url", "subject"),
    [
        (ODD_URL, ODD),
        (ODD_URL.replace("%28", "(").replace("%2B", "+").replace("%C3%A9", "%c3%a9"), ODD),
        (f"https://a.blob.x/in/{ODD}", ODD),
        (ODD_URL + "?sig=s3cret", ODD),
        (ODD_URL, ODD.replace("💎", "\ufffd\ufffd")),  # as subjects have been seen to be
        (ODD_URL.replace(".blob.", ".dfs."), ODD),
    ],
)
def test_an_odd_name_has_one_url_however_its_event_writes_it(url: str, subject: str) -> None:
    event = {**EVENT_GRID, "subject": f"/blobServices/default/containers/in/blobs/{subject}"}

    read = parse_message(json.dumps({**event, "data": {**DATA, "url": url}}))

    assert (read.url, read.name) == (ODD_URL, ODD)
    assert blob_from_url(read.url) == ("in", ODD)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acct.blob.core.windows.net/in/a/b.mp4?sig=x", ("in", "a/b.mp4")),
        ("http://127.0.0.1:10000/devstoreaccount1/in/a%20b.mp4", ("in", "a b.mp4")),
        ("http://localhost:10000/devstoreaccount1/in/x", ("in", "x")),
        ("http://azurite:10000/devstoreaccount1/in/x", ("in", "x")),
        ("https://acct.blob.core.windows.net/in//x", ("in", "/x")),
        ("https://acct.blob.core.windows.net/in/x/", ("in", "x/")),
    ],
)
def test_container_and_name_are_read_from_urls(url: str, expected: tuple[str, str]) -> None:
    assert blob_from_url(url) == expected


def test_a_url_without_a_blob_is_refused_without_its_signature() -> None:
    with pytest.raises(ValueError, match="names no blob") as caught:
        blob_from_url("https://acct.blob.core.windows.net/in?sig=secret")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "käse",
        "[" * 100_000,
        encoded({**EVENT_GRID, "data": {**DATA, "contentLength": "long"}}),
        encoded({**EVENT_GRID, "data": {**DATA, "contentLength": {}}}),
        encoded({**EVENT_GRID, "data": {**DATA, "contentLength": math.inf}}),
        encoded({**EVENT_GRID, "subject": SUBJECT + "\ud800"}),
        encoded({**EVENT_GRID, "data": {**DATA, "eTag": "\ud800"}}),
    ],
    ids=[
        "nothing",
        "empty",
        "beyond ascii",
        "deep",
        "length in words",
        "length an object",
        "length without end",
        "half a character",
        "half a character in the etag",
    ],
)
def test_whatever_is_no_event_is_said_to_be_malformed(text: str | None) -> None:
    with pytest.raises(MalformedEventError):
        parse_message(text)


def test_an_event_may_leave_the_length_out() -> None:
    assert parse_message(encoded({**EVENT_GRID, "data": {**DATA, "contentLength": None}})).size == -1
