from __future__ import annotations

import base64
import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED, BlobApi, Change
from batch_emulator.events.envelope import EventSchema, Origin, Stamp, encode, render, sequencer
from tests.batch_emulator.events.builders import NOON, a_blob

URL = "http://127.0.0.1:10000/devstoreaccount1/incoming/a.mp4"
CREATED = Change(BLOB_CREATED, "a.mp4", NOON + timedelta(microseconds=123456), a_blob())
DELETED = Change(BLOB_DELETED, "a.mp4", NOON)


def rendered(change: Change, api: BlobApi, schema: EventSchema) -> dict[str, object]:
    return render(
        change,
        api,
        origin=Origin("/subscriptions/s/storageAccounts/acct", "incoming"),
        stamp=Stamp("event-1", "request-1", 255),
        blob_url=URL,
        schema=schema,
    )


DATA = {
    "api": "PutBlockList",
    "clientRequestId": "request-1",
    "requestId": "request-1",
    "eTag": "0x1",
    "contentType": "video/mp4",
    "contentLength": 10,
    "blobType": "BlockBlob",
    "url": URL,
    "sequencer": "000000000000000000000000000000FF",
    "storageDiagnostics": {"batchId": "request-1"},
}


def test_event_grid_schema() -> None:
    assert rendered(CREATED, BlobApi.PUT_BLOCK_LIST, EventSchema.EVENT_GRID) == {
        "topic": "/subscriptions/s/storageAccounts/acct",
        "subject": "/blobServices/default/containers/incoming/blobs/a.mp4",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-01T12:00:00.1234560Z",
        "id": "event-1",
        "data": DATA,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def test_cloud_events_schema() -> None:
    assert rendered(CREATED, BlobApi.PUT_BLOCK_LIST, EventSchema.CLOUD_EVENTS) == {
        "source": "/subscriptions/s/storageAccounts/acct",
        "subject": "/blobServices/default/containers/incoming/blobs/a.mp4",
        "type": "Microsoft.Storage.BlobCreated",
        "time": "2026-03-01T12:00:00.1234560Z",
        "id": "event-1",
        "data": DATA,
        "specversion": "1.0",
    }


def test_a_deletion_has_neither_etag_nor_length() -> None:
    event = rendered(DELETED, BlobApi.DELETE_BLOB, EventSchema.EVENT_GRID)
    data = event["data"]
    assert isinstance(data, dict)
    assert data["api"] == "DeleteBlob"
    assert not {"eTag", "contentLength"} & set(data)


def test_a_message_is_base64_of_one_object() -> None:
    event = rendered(CREATED, BlobApi.PUT_BLOB, EventSchema.EVENT_GRID)
    assert json.loads(base64.b64decode(encode(event))) == event


@given(st.integers(1, 2**63), st.integers(1, 2**63))
def test_sequencers_order_as_strings(one: int, two: int) -> None:
    assert (sequencer(one) < sequencer(two)) == (one < two)
