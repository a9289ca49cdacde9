"""Which blobs start a run of `flights_ingest`, and which days it makes of them."""

from __future__ import annotations

import json
from typing import Any

import flights_ingest
import pytest

from airflow_batch_provider.client.blobs.blob_events import parse_message

FILES = "https://account.dfs.core.windows.net/raw"
NAME = "flights/2013-01-15/JFK.csv"
RENAMED = {"destinationUrl": f"{FILES}/{NAME}", "sourceUrl": f"{FILES}/landing/JFK.csv.tmp"}


@pytest.mark.parametrize(
    ("kind", "data", "starts"),
    [
        ("BlobCreated", {"url": f"{FILES}/{NAME}", "api": "FlushWithClose", "contentLength": 9}, True),
        ("BlobRenamed", {**RENAMED, "api": "RenameFile"}, True),
        ("BlobDeleted", {"url": f"{FILES}/{NAME}", "api": "DeleteFile"}, False),
    ],
)
def test_a_file_that_is_written_or_renamed_makes_its_day(
    kind: str, data: dict[str, Any], starts: bool
) -> None:
    subject = f"/blobServices/default/containers/raw/blobs/{NAME}"
    message = {"id": "1", "eventType": f"Microsoft.Storage.{kind}", "subject": subject, "data": data}
    event = parse_message(json.dumps(message))

    assert flights_ingest.LANDED.wanted.accepts(event) is starts
    assert flights_ingest.days_of_the_files.function([{"name": event.name}]) == ["2013-01-15"]
