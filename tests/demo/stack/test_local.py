"""The stack without Airflow: storage and Batch."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential

from demo.batch_progress import BatchProgress
from demo.outputs import Output, download, list_outputs, upload
from demo.processes.supervisor import ComponentError
from demo.stack import LocalStack, StackOptions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(StackOptions(tmp_path_factory.mktemp("stack"))) as running:
        yield running


def test_a_killed_emulator_comes_back_with_its_account(stack: LocalStack) -> None:
    account = stack.batch
    with BatchClient(account.endpoint, AzureNamedKeyCredential(account.name, account.key)) as client:
        client.create_job(
            models.BatchJobCreateOptions(id="kept", pool_info=models.BatchPoolInfo(pool_id="none"))
        )
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    assert BatchProgress(account, since).jobs() == ["kept"]
    stack.kill("batch-emulator")
    assert BatchProgress(account, since).tasks() == []  # no answer is no reason to fail
    stack.restart("batch-emulator")
    assert BatchProgress(account, since).jobs() == ["kept"]
    assert BatchProgress(account, datetime.now(timezone.utc) + timedelta(minutes=1)).jobs() == []


def test_keys_are_in_no_process_list_and_no_log_of_ours(stack: LocalStack) -> None:
    for name in ("azurite", "event-grid", "batch-emulator"):
        command = Path(f"/proc/{stack.supervisor.pid_of(name)}/cmdline").read_text()
        assert stack.batch.key not in command
        assert stack.storage.key not in command


def test_a_component_that_dies_is_noticed(stack: LocalStack) -> None:
    os.kill(stack.supervisor.pid_of("event-grid"), signal.SIGKILL)
    while stack.supervisor.is_running("event-grid"):
        time.sleep(0.01)
    with pytest.raises(ComponentError, match=r"event-grid ended unexpectedly with signal SIGKILL"):
        stack.check()
    stack.restart("event-grid")
    stack.check()


def test_outputs_are_listed_without_a_signature_and_downloaded(stack: LocalStack, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"12345")
    at = upload(stack.storage, "outgoing", "day/a.mp4", source)
    (output,) = list_outputs(stack.storage, "outgoing", at)
    assert output == Output("day/a.mp4", f"{stack.storage.blob_endpoint}/outgoing/day/a.mp4", 5)
    download(stack.storage, "outgoing", [output], tmp_path / "down")
    assert (tmp_path / "down/day/a.mp4").read_bytes() == b"12345"
    assert list_outputs(stack.storage, "outgoing", at + timedelta(minutes=1)) == []


def test_a_name_that_leads_out_of_the_folder_is_refused(stack: LocalStack, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out"):
        download(stack.storage, "outgoing", [Output("../x", "", 1)], tmp_path)


def test_a_stack_starts_again_on_its_data(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"12345")
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    options = StackOptions(tmp_path / "stack")
    with LocalStack(options) as first:
        upload(first.storage, "outgoing", "a.mp4", source)
        with BatchClient(
            first.batch.endpoint, AzureNamedKeyCredential(first.batch.name, first.batch.key)
        ) as client:
            client.create_job(
                models.BatchJobCreateOptions(id="kept", pool_info=models.BatchPoolInfo(pool_id="none"))
            )
    with LocalStack(options) as second:
        assert second.batch.key == first.batch.key
        assert [output.name for output in list_outputs(second.storage, "outgoing", since)] == ["a.mp4"]
        assert BatchProgress(second.batch, since).jobs() == ["kept"]
