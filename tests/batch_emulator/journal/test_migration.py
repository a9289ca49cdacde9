"""A data folder of an earlier version is brought to the present one when it is opened, or left as it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from batch_emulator.journal import SCHEMA_VERSION, Journal, migrations
from batch_emulator.service import Account, BatchService, Failure
from tests.batch_emulator.journal import version_1

TIME = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=timezone.utc)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, "-m", version_1.__name__, str(tmp_path)], check=True)
    return tmp_path


def restored(data_dir: Path) -> BatchService:
    journal = Journal.open(data_dir, "account")
    try:
        return BatchService.restore(Account("account"), journal.load())
    finally:
        journal.close()


def pragma(data_dir: Path, name: str) -> object:
    with sqlite3.connect(data_dir / "journal.sqlite") as reader:
        return reader.execute(f"PRAGMA {name}").fetchone()[0]


def version_of(data_dir: Path) -> int:
    with sqlite3.connect(data_dir / "journal.sqlite") as reader:
        return int(reader.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()[0])


def test_every_entity_of_version_1_is_there_as_it_was(folder: Path) -> None:
    service = restored(folder)
    assert version_of(folder) == SCHEMA_VERSION
    assert service.pool("p").allocation_state_transition_time == TIME
    assert len(list(service.tasks("J"))) == 1200
    failed, waiting = service.task("j", "t10"), service.task("j", "t11")
    assert (failed.state, failed.end_time, failed.exit_code) == ("completed", TIME, 4)
    assert failed.failure == Failure(
        "FailureExitCode", "The task exited with an exit code", "usererror", (("Message", "why"),)
    )
    assert waiting.state == "active"
    assert waiting.spec["environmentSettings"] == [{"name": "$t", "value": "$f"}]


def test_a_second_start_finds_nothing_to_migrate(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    restored(folder)
    caplog.clear()
    assert len(list(restored(folder).tasks("j"))) == 1200
    assert not caplog.messages


def test_a_migrated_file_can_shrink(folder: Path) -> None:
    assert pragma(folder, "auto_vacuum") == 0
    restored(folder)
    assert pragma(folder, "auto_vacuum") == 2


def test_a_migration_that_breaks_off_leaves_the_folder_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite = migrations.MIGRATIONS[1]

    def break_off(connection: sqlite3.Connection) -> None:
        rewrite(connection)
        raise KeyboardInterrupt

    monkeypatch.setitem(migrations.MIGRATIONS, 1, break_off)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        Journal.open(folder, "account")
    assert version_of(folder) == 1
    monkeypatch.undo()
    assert restored(folder).task("j", "t10").end_time == TIME
