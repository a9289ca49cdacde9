"""What was committed is there, in order, for one emulator at a time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from batch_emulator.journal import (
    SCHEMA_VERSION,
    DataDirLockedError,
    Journal,
    JournalAccountError,
    JournalDamagedError,
    JournalError,
    JournalVersionError,
)
from batch_emulator.service.step import Change


def stored(data_dir: Path) -> dict[tuple[str, str], dict[str, object]]:
    journal = Journal.open(data_dir, "account")
    try:
        return {(kind, key): record for kind, key, record in journal.load()}
    finally:
        journal.close()


async def test_committed_changes_are_there_after_reopening(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "new" / "folder", "account")
    await journal.commit(
        [Change("job", "a", {"id": "a", "n": [1, {"x": None}]}), Change("pool", "a", {"p": 1})]
    )
    await journal.commit([Change("job", "b", {"id": "b"})])
    await journal.commit([Change("job", "a", {"id": "a", "state": "completed"}), Change("job", "b", None)])
    journal.close()
    assert stored(tmp_path / "new" / "folder") == {
        ("job", "a"): {"id": "a", "state": "completed"},
        ("pool", "a"): {"p": 1},
    }


async def test_the_last_of_many_changes_to_one_record_wins(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    steps = [[Change("task", "t", {"n": n})] for n in range(500)]
    await asyncio.gather(*(journal.commit(step) for step in steps))
    journal.close()
    assert stored(tmp_path) == {("task", "t"): {"n": 499}}


async def test_a_record_changed_after_submission_is_stored_as_it_was(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    record = {"state": "active"}
    future = journal.submit([Change("task", "t", record)])
    record["state"] = "running"
    await future
    journal.close()
    assert stored(tmp_path) == {("task", "t"): {"state": "active"}}


async def test_waiting_commits_share_a_transaction(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    statements: list[str] = []
    journal._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(journal.commit([Change("task", str(n), {"n": n})]) for n in range(300)))
    journal.close()
    assert 1 <= statements.count("BEGIN IMMEDIATE") < 100
    assert len(stored(tmp_path)) == 300


async def test_close_stores_what_is_queued(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    for number in range(50):
        journal.submit([Change("task", str(number), {})])
    journal.close()
    journal.close()
    assert len(stored(tmp_path)) == 50


async def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.commit([Change("task", "t", {})])


async def test_a_failed_commit_is_never_acknowledged_nor_is_one_after_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    await journal.commit([Change("task", "before", {})])
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON records BEGIN SELECT RAISE(FAIL, 'disk I/O'); END"
        )
    with pytest.raises(JournalError, match=r"disk I/O.*Make room"):
        await journal.commit([Change("task", "lost", {})])
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("DROP TRIGGER no_more")
    with pytest.raises(JournalError, match="disk I/O"):
        await journal.commit([Change("task", "after", {})])
    journal.close()
    assert set(stored(tmp_path)) == {("task", "before")}


def test_a_second_emulator_on_the_folder_is_refused_by_process_id(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from batch_emulator.journal import Journal; "
        "j = Journal.open(pathlib.Path(sys.argv[1]), 'account'); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DataDirLockedError, match=rf"process {holder.pid}\b.*--data-dir"):
            Journal.open(tmp_path, "account")
        holder.kill()
        holder.wait(60)
    Journal.open(tmp_path, "account").close()  # a killed holder leaves no lock behind
    assert (tmp_path / "emulator.lock").read_text() == str(os.getpid())


@pytest.mark.parametrize(("version", "age"), [(SCHEMA_VERSION + 1, "newer"), (0, "older")])
def test_another_schema_version_is_refused(tmp_path: Path, version: int, age: str) -> None:
    Journal.open(tmp_path, "account").close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(version),))
    with pytest.raises(JournalVersionError, match=f"{age} version"):
        Journal.open(tmp_path, "account")


def test_a_file_that_is_no_journal_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(JournalDamagedError, match=r"cannot be read.*--data-dir"):
        Journal.open(tmp_path, "account")


def test_another_account_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path, "account").close()
    with pytest.raises(JournalAccountError, match="--account account"):
        Journal.open(tmp_path, "other")
    Journal.open(tmp_path, "account").close()  # a refusal keeps no lock


def test_a_folder_that_is_made_is_nobody_elses_to_read(tmp_path: Path) -> None:
    Journal.open(tmp_path / "new", "account").close()

    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
