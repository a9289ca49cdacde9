"""An emulator in the background: started once, asked, reset, stopped."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from batch_emulator.cli import main
from batch_emulator.daemon import record
from batch_emulator.daemon.control import lines_before
from batch_emulator.journal.lock import DataDirLock, holder_of
from batch_emulator.runtime.wiping import wipe

KEY = "YSBrZXkgb2YgdGhlIHRlc3Rz"


class Run(Protocol):
    """Runs a sub-command. Returns what it wrote."""

    def __call__(self, *arguments: str | Path, status: int = 0) -> str: ...


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str | Path, status: int = 0) -> str:
        found = main([*map(str, arguments)])
        out, err = capfd.readouterr()
        assert found == status, out + err
        return out + err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; what still serves it at the end is killed, by its process id."""
    yield tmp_path
    process_id = holder_of(tmp_path)
    if process_id is not None and process_id != os.getpid():
        os.kill(process_id, signal.SIGKILL)


@pytest.mark.slow
def test_a_life(folder: Path, run: Run) -> None:
    assert "No emulator runs" in run("status", "--data-dir", folder, status=3)
    assert json.loads(run("status", "--json", "--data-dir", folder, status=3))["running"] is False
    options = ("--port", "0", "--data-dir", folder, "--key", KEY)

    facts = dict(line.split(": ", 1) for line in run("start", *options).splitlines())
    assert (facts["account"], facts["key"]) == ("devbatchaccount", KEY)
    again = run("start", *options)
    assert "runs already, as process" in again
    assert facts["endpoint"] in again
    assert "in use by another" in run("serve", *options, status=1)

    with BatchClient(facts["endpoint"], AzureNamedKeyCredential("devbatchaccount", KEY)) as client:
        client.create_job({"id": "j", "poolInfo": {"poolId": "p"}})
        status = json.loads(run("status", "--json", "--data-dir", folder))
        assert (status["running"], status["jobs"]) == (True, {"active": 1})
        text = run("status", "--data-dir", folder)
        assert f"process-id: {status['processId']}" in text
        assert "jobs: 1 active" in text
        assert "Emptied the account that process" in run("reset", "--data-dir", folder)
        assert list(client.list_jobs()) == []

    for path in folder.glob("emulator.*"):
        assert KEY not in path.read_text()
    stopped = run("stop", "--data-dir", folder)
    assert f"Stopped process {status['processId']} after" in stopped
    assert holder_of(folder) is None
    assert not (folder / "emulator.json").exists()
    assert "No emulator runs" in run("stop", "--data-dir", folder)
    assert (folder / "journal.sqlite").exists()
    assert "Emptied the account in" in run("reset", "--data-dir", folder)
    assert "There is no account in" in run("reset", "--data-dir", folder)
    assert not (folder / "journal.sqlite").exists()


@pytest.mark.parametrize(("written", "lines"), [(b"a: 1\nready\n", ["a: 1"]), (b"a: 1\nready", None)])
def test_the_pipe_is_read_until_the_last_line_is_whole(written: bytes, lines: list[str] | None) -> None:
    """With PYTHONUNBUFFERED a line's end comes by itself, and breaks the pipe if nobody reads any more."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb", buffering=0) as output:
        output.write(written)
        output.close()
        assert lines_before(reader, "ready") == lines


@pytest.mark.slow
def test_what_keeps_it_from_starting_is_said_and_logged(folder: Path, run: Run) -> None:
    faults = folder / "faults.json"
    faults.write_text('{"requests": 1}')
    said = run("start", "--port", "0", "--data-dir", folder, "--faults", faults, status=1)
    assert "did not start (status 1)" in said
    assert "requests must be a list" in said
    assert "requests must be a list" in run("logs", "--data-dir", folder)
    assert run("logs", "--lines", "0", "--data-dir", folder) == ""
    assert record.find(folder) is None


@pytest.mark.slow
def test_a_killed_one_is_not_taken_for_running(folder: Path, run: Run) -> None:
    run("start", "--port", "0", "--data-dir", folder)
    found = record.find(folder)
    assert found is not None
    os.kill(found.process_id, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while holder_of(folder) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (folder / "emulator.json").exists()
    assert "No emulator runs" in run("status", "--data-dir", folder, status=3)
    run("start", "--port", "0", "--data-dir", folder)
    run("stop", "--data-dir", folder)


def test_without_a_log_it_says_so(tmp_path: Path, run: Run) -> None:
    assert "no emulator was started" in run("logs", "--data-dir", tmp_path, status=1)


def test_a_folder_that_is_held_is_not_wiped(tmp_path: Path, run: Run) -> None:
    (tmp_path / "journal.sqlite").touch()
    lock = DataDirLock(tmp_path)
    assert holder_of(tmp_path) == os.getpid()
    assert "starting or ending" in run("reset", "--data-dir", tmp_path, status=1)
    lock.release()
    assert holder_of(tmp_path) is None
    (tmp_path / "certificate.pem").touch()
    assert wipe(tmp_path)
    assert (tmp_path / "certificate.pem").exists()
    assert not wipe(tmp_path)
    assert not wipe(tmp_path / "none")


def test_one_that_is_starting_is_asked_later(tmp_path: Path, run: Run) -> None:
    lock = DataDirLock(tmp_path)
    assert "starting or ending" in run("status", "--data-dir", tmp_path, status=1)
    lock.release()


def test_a_record_is_written_without_keys_and_removed_by_its_writer(tmp_path: Path) -> None:
    record.write(tmp_path, {"endpoint": "http://127.0.0.1:1", "key": KEY})
    assert KEY not in (tmp_path / "emulator.json").read_text()
    (tmp_path / "emulator.json").write_text('{"process_id": 1, "facts": {}}')
    record.remove(tmp_path)
    assert (tmp_path / "emulator.json").exists()
    (tmp_path / "emulator.json").write_text("rubbish")
    assert record.find(tmp_path) is None
