"""Renamed and deleted files through a real queue: the messages that Event Grid documents, in both schemas.

Azurite renames nothing, so the messages are put there as accounts with a hierarchical namespace or SFTP send
them. Source: Event Grid: *Azure Data Lake Storage Gen2 as an Event Grid source* and *Azure Blob Storage as an
Event Grid source* (SFTP).
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.storage.queue.aio import QueueClient

from airflow_batch_provider.triggers import blob_stream
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger
from demo.stack.accounts import StorageAccount
from tests.connections import connection_to

WAIT = 30.0
FILES = "https://account.dfs.core.windows.net/lake"
BLOBS = "https://account.blob.core.windows.net/lake"
RENAMED = {"destinationUrl": f"{FILES}/day/part.parquet", "sourceUrl": f"{FILES}/day/_temporary/part.parquet"}
DELETED = {
    "url": f"{FILES}/day/old.parquet",
    "contentType": "application/octet-stream",
    "blobType": "BlockBlob",
}


def event_grid(kind: str, api: str, name: str, sequencer: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account",
        "subject": f"/blobServices/default/containers/lake/blobs/{name}",
        "eventType": f"Microsoft.Storage.{kind}",
        "eventTime": "2026-11-26T10:00:00.4442837Z",
        "id": uuid.uuid4().hex,
        "data": {
            "api": api,
            "clientRequestId": uuid.uuid4().hex,
            "requestId": uuid.uuid4().hex,
            **data,
            "sequencer": f"{sequencer:032X}",
            "storageDiagnostics": {"batchId": uuid.uuid4().hex},
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def cloud_event(kind: str, api: str, name: str, sequencer: int, data: dict[str, Any]) -> dict[str, Any]:
    event = event_grid(kind, api, name, sequencer, data)
    names = {"topic": "source", "eventType": "type", "eventTime": "time"}
    kept = {names.get(key, key): value for key, value in event.items() if not key.endswith("Version")}
    return {**kept, "specversion": "1.0"}


@pytest.fixture
async def queue(azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[QueueClient]:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", connection_to(azurite))
    monkeypatch.setattr(blob_stream, "STORED_WITHIN", 0.01)
    name = f"lake-{uuid.uuid4().hex[:12]}"
    async with QueueClient.from_connection_string(azurite.connection_string, name) as client:
        await client.create_queue()
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("schema", [event_grid, cloud_event])
@pytest.mark.parametrize(("rename", "delete"), [("RenameFile", "DeleteFile"), ("SftpRename", "SftpRemove")])
async def test_renamed_and_deleted_files_arrive_and_leave_the_queue(
    queue: QueueClient, schema: Any, rename: str, delete: str
) -> None:
    sent = [
        schema("BlobRenamed", rename, "day/part.parquet", 1, RENAMED),
        schema("BlobDeleted", delete, "day/old.parquet", 2, DELETED),
        schema("BlobDeleted", delete, "elsewhere/old.parquet", 3, DELETED),
    ]
    for event in sent:
        await queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())
    trigger = BlobCreatedTrigger(
        queue.queue_name, "lake", container="lake", prefix="day/", event_types=["renamed", "deleted"]
    )

    running = trigger.run()
    (event,) = [await asyncio.wait_for(anext(running), WAIT)]
    told = {blob["type"]: blob for blob in event.payload["blobs"]}

    assert len(event.payload["blobs"]) == 2
    renamed = told["Microsoft.Storage.BlobRenamed"]
    assert (renamed["url"], renamed["source_url"]) == (
        f"{BLOBS}/day/part.parquet",
        f"{BLOBS}/day/_temporary/part.parquet",
    )
    assert (renamed["name"], renamed["size"], renamed["etag"]) == ("day/part.parquet", -1, "")
    deleted = told["Microsoft.Storage.BlobDeleted"]
    assert (deleted["url"], deleted["name"]) == (f"{BLOBS}/day/old.parquet", "day/old.parquet")
    assert await left(queue, running) == 1  # what no watcher here wants stays for others


async def left(queue: QueueClient, running: Any) -> int:
    """How many messages stay in the queue once what was told of is deleted."""
    following = asyncio.ensure_future(anext(running))

    async def count() -> int:
        return int((await queue.get_queue_properties()).approximate_message_count or 0)

    async def until_deleted() -> int:
        while (messages := await count()) > 1:
            await asyncio.sleep(0.05)
        return messages

    try:
        return await asyncio.wait_for(until_deleted(), WAIT)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await running.aclose()
