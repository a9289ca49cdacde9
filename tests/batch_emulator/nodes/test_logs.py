"""Log files of nodes: what stands in them, how they grow, which of them are asked for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from batch_emulator.nodes import logs as module
from batch_emulator.nodes.logs import NodeLogs
from batch_emulator.service import Failure
from batch_emulator.service.effects import KillRun, ReleaseNode, RemoveTaskFiles
from batch_emulator.service.events import (
    NodeBooted,
    NodeBootFailed,
    NodeReleased,
    RunEnded,
    RunLost,
)
from tests.batch_emulator.nodes.builders import a_boot, a_run

NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)


class Book:
    """Node logs under a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.folder = folder / "node-logs"
        self.logs = NodeLogs(self.folder, lambda: self.now)

    def boot(self) -> None:
        self.logs.asked(a_boot())

    def text(self, name: str = "agent-debug.log") -> str:
        self.logs.write()
        return (self.folder / "p" / "n" / name).read_text("utf-8")

    def named(self, start: datetime, end: datetime) -> list[str]:
        self.logs.write()
        return [path.name for path in self.logs.between("p", "n", start, end)]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_a_node_s_life_is_told_with_its_times(book: Book) -> None:
    book.logs.asked(a_boot())
    book.logs.happened(NodeBooted("p", "n", "b", "10.0.0.4"))
    book.now += timedelta(minutes=1)
    book.logs.asked(a_run())
    book.logs.asked(KillRun("r1"))
    book.logs.happened(RunEnded("r1", book.now, exit_code=137, killed=True))
    book.logs.asked(RemoveTaskFiles("p", "n", "workitems/j/job-1/t"))
    book.logs.asked(ReleaseNode("p", "n", "b"))
    assert book.text().splitlines() == [
        "2026-01-02T12:00:00Z INFO boot b with an empty disk",
        "2026-01-02T12:00:00Z INFO boot b: up as 10.0.0.4",
        "2026-01-02T12:01:00Z INFO task r1: start in workitems/j/job-1/t",
        "2026-01-02T12:01:00Z INFO r1: end its processes",
        "2026-01-02T12:01:00Z INFO r1: over, exit code 137",
        "2026-01-02T12:01:00Z INFO remove workitems/j/job-1/t",
        "2026-01-02T12:01:00Z INFO end all processes and give the machine back",
    ]
    assert not (book.folder / "p" / "n" / "agent-warn.log").exists()


def test_what_went_wrong_has_a_file_of_its_own(book: Book) -> None:
    book.boot()
    book.logs.asked(a_run())
    book.logs.happened(RunEnded("r1", NOON, failure=Failure("BlobNotFound", "no blob")))
    book.logs.asked(a_run(run_id="r2"))
    book.logs.happened(RunLost("r2"))
    book.logs.happened(NodeBootFailed("p", "n", "b", Failure("DiskFull", "full")))
    lines = [line.partition(" ")[2] for line in book.text("agent-warn.log").splitlines()]
    assert lines == [
        "WARN r1: over, exit code None, BlobNotFound",
        "WARN r2: lost",
        "WARN boot b failed: DiskFull",
    ]


def test_a_command_and_its_secrets_are_not_told(book: Book) -> None:
    book.boot()
    book.logs.asked(a_run("/bin/sh -c 's3cret'", environment=(("KEY", "s3cret"),)))
    assert "s3cret" not in book.text()


def test_a_file_is_asked_for_when_it_has_a_line_of_the_time(book: Book) -> None:
    book.logs.asked(a_boot())
    book.now += DAY
    book.logs.asked(a_run())
    book.logs.happened(RunLost("r1"))
    assert book.named(NOON, NOON) == ["agent-debug.log"]
    assert book.named(NOON + DAY, NOON + 2 * DAY) == ["agent-debug.log", "agent-warn.log"]
    assert book.named(NOON + timedelta(hours=1), NOON + timedelta(hours=2)) == []
    assert book.logs.between("p", "other", NOON, NOON) == []


def test_a_torn_line_is_passed_over(book: Book) -> None:
    book.logs.asked(a_boot())
    book.logs.write()
    with (book.folder / "p" / "n" / "agent-debug.log").open("a") as file:
        file.write("2026-01-02T1\n")
    book.logs.asked(a_boot())
    assert book.named(NOON, NOON) == ["agent-debug.log"]


def test_files_are_rotated_and_the_oldest_goes(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 100)
    for number in range(12):
        book.logs.asked(a_boot(boot_id=f"boot-{number}"))
        book.logs.write()
    names = sorted(path.name for path in (book.folder / "p" / "n").iterdir())
    assert names == [
        "agent-debug.1.log",
        "agent-debug.2.log",
        "agent-debug.3.log",
        "agent-debug.4.log",
        "agent-debug.log",
    ]
    assert "boot-11" in book.text()
    assert "boot-10" in book.text() + book.text("agent-debug.1.log")


def test_many_lines_are_written_without_being_asked_for(book: Book) -> None:
    for _ in range(module._MAX_LINES):
        book.logs.asked(a_boot())
    path = book.folder / "p" / "n" / "agent-debug.log"
    assert len(path.read_text("utf-8").splitlines()) == module._MAX_LINES


def test_logs_go_with_their_node(book: Book) -> None:
    book.logs.asked(a_boot())
    book.logs.asked(a_boot(node_id="m"))
    book.logs.write()
    book.logs.happened(NodeReleased("p", "n", "b"))
    assert [path.name for path in (book.folder / "p").iterdir()] == ["m"]
    book.logs.remove_except({("p", "m")})
    assert (book.folder / "p" / "m").is_dir()
    book.logs.remove_except(set())
    assert list(book.folder.iterdir()) == []


def test_late_news_of_a_node_that_is_gone_makes_no_files(book: Book) -> None:
    book.boot()
    book.logs.asked(a_run())
    book.logs.happened(NodeReleased("p", "n", "b"))
    book.logs.happened(RunEnded("r1", NOON, exit_code=137, killed=True))
    book.logs.write()
    assert not book.folder.exists() or list(book.folder.iterdir()) == []


def test_a_log_that_cannot_be_written_stops_nothing(book: Book) -> None:
    book.folder.parent.joinpath("node-logs").write_text("a file where the folder should be")
    book.logs.asked(a_boot())
    book.logs.write()
