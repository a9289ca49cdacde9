"""What a judge may look at, in a real storage account."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from demo.gallery.entry import Outcome, WrongResultError
from demo.stack.accounts import StorageAccount
from demo.stack.airflow_client import DagRun

pytestmark = pytest.mark.slow


def outcome(azurite: StorageAccount, begun: datetime) -> Outcome:
    stack: Any = SimpleNamespace(storage=azurite)
    return Outcome(stack, DagRun("run", "dag", "success", "manual", begun, begun, None))


def test_a_judge_sees_what_the_run_has_written_and_nothing_older(azurite: StorageAccount) -> None:
    now = datetime.now(timezone.utc)
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container("left-by-runs")
        container.upload_blob("picture", b"tiles")
    assert outcome(azurite, now).blob("left-by-runs/picture") == b"tiles"
    with pytest.raises(WrongResultError, match=r"picture is of .*the run began at"):
        outcome(azurite, now + timedelta(minutes=1)).blob("left-by-runs/picture")
    with pytest.raises(WrongResultError, match="left no blob left-by-runs/other"):
        outcome(azurite, now).blob("left-by-runs/other")
