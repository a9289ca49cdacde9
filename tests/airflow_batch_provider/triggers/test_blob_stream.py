"""The shared reader of a queue: what Airflow says of an event decides what becomes of its message."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from airflow_batch_provider.triggers.blob_stream import shared_producer
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AIRFLOW
from tests.connections import connection_to

if AIRFLOW < (3, 3):
    pytest.skip("needs what Airflow has from 3.3 on", allow_module_level=True)
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

EVENT = {
    "id": "one",
    "subject": "/blobServices/default/containers/incoming/blobs/a",
    "eventType": "Microsoft.Storage.BlobCreated",
    "data": {"api": "PutBlob", "eTag": "0x1", "url": "http://storage/incoming/a"},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (AdvanceOutcome(acked=2, failed=0), 0),
        (AdvanceOutcome(acked=0, failed=1), 1),
        (AdvanceOutcome(acked=1, failed=1), 1),
        (AdvanceOutcome(acked=0, failed=0), 1),
    ],
)
async def test_a_message_is_deleted_only_when_all_watchers_have_their_events_stored(
    outcome: AdvanceOutcome, left: int, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = azurite.connection_string
    monkeypatch.setenv("AIRFLOW_CONN_WATCHED", connection_to(None, storage_connection_string=connection))
    async with QueueClient.from_connection_string(connection, f"events-{uuid.uuid4().hex[:12]}") as queue:
        await queue.create_queue()
        await queue.send_message(base64.b64encode(json.dumps(EVENT).encode()).decode())
        producer: Any = shared_producer(queue.queue_name, "watched", 60)
        batch = await anext(batch async for _, batch in producer.open_stream() if batch.news)
        for known in batch.news:
            known.hold()
            batch.told.append(known)
        await producer.advance([AdvanceItem(batch, outcome)])
        await producer.aclose()

        assert (await queue.get_queue_properties()).approximate_message_count == left
