"""Log files into real containers, and what is said when they cannot get there."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timezone
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from batch_emulator.nodes.log_upload import read_logs, upload_logs
from batch_emulator.nodes.logs import NodeLogs
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.service.nodes.node_logs import LogRequest
from demo.stack.accounts import StorageAccount
from tests.batch_emulator.nodes.builders import a_boot

NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
FILES = [("agent-debug.log", b"one\n"), ("agent-warn.log", b"two\n")]
IDENTITY = "/subscriptions/s/identities/i"


def a_request(url: str, identity: str | None = None) -> LogRequest:
    return LogRequest("p", "n", url, "acct-0/p/n/r", NOON, NOON, identity)


@pytest.fixture
def container(azurite: StorageAccount) -> ContainerClient:
    account = BlobServiceClient.from_connection_string(azurite.connection_string)
    made: ContainerClient = account.create_container(f"logs-{uuid.uuid4().hex[:10]}")
    return made


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    logs = NodeLogs(tmp_path, lambda: NOON)
    logs.asked(a_boot())
    assert read_logs(logs, a_request("https://x/c")) == []
    logs.write()
    [(name, content)] = read_logs(logs, a_request("https://x/c"))
    assert name == "agent-debug.log"
    assert content.startswith(b"2026-01-02T12:00:00Z INFO boot b")


@pytest.mark.slow
async def test_an_identity_reaches_the_linked_storage_account(
    azurite: StorageAccount, container: ContainerClient
) -> None:
    storage = LinkedStorage.from_connection_string(azurite.connection_string)
    await upload_logs(storage, a_request(container.url, IDENTITY), FILES)
    assert [blob.name for blob in container.list_blobs()] == [
        "acct-0/p/n/r/agent-debug.log",
        "acct-0/p/n/r/agent-warn.log",
    ]
    assert container.download_blob("acct-0/p/n/r/agent-warn.log").readall() == b"two\n"


@pytest.mark.slow
async def test_a_failure_is_told_without_the_signature(
    container: ContainerClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await upload_logs(None, a_request(f"{container.url}?sv=2024-01-01&sig=s3cret"), FILES)
    assert "logs of node n cannot be uploaded" in caplog.text
    assert container.container_name in caplog.text
    assert "s3cret" not in caplog.text


async def test_what_is_no_container_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    await upload_logs(None, a_request("https://account.blob.core.windows.net/?sig=s3cret"), FILES)
    assert "is no URL of a container" in caplog.text
    assert "s3cret" not in caplog.text
