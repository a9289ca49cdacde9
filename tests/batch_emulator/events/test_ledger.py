from __future__ import annotations

from pathlib import Path

from batch_emulator.events.blobs import Seen
from batch_emulator.events.ledger import Ledger, Pending

SEEN = Seen("0x1", "content", "properties")


def test_what_was_seen_and_is_pending_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep/events.db"
    with Ledger(path) as ledger:
        assert not ledger.is_known("s")
        ledger.record("s", {"a": SEEN, "b": SEEN}, [], [Pending(1, "one"), Pending(2, "two")])
        ledger.mark_sent([1])
    with Ledger(path) as ledger:
        assert ledger.is_known("s")
        assert not ledger.is_known("other")
        assert ledger.seen("s") == {"a": SEEN, "b": SEEN}
        assert ledger.pending("s") == [Pending(2, "two")]
        assert ledger.pending("other") == []


def test_a_first_look_that_found_nothing_is_remembered(tmp_path: Path) -> None:
    with Ledger(tmp_path / "events.db") as ledger:
        ledger.record("s", {}, [], [])
        assert ledger.is_known("s")


def test_gone_blobs_are_forgotten_and_changed_ones_renewed(tmp_path: Path) -> None:
    newer = Seen("0x2", "content", "properties")
    with Ledger(tmp_path / "events.db") as ledger:
        ledger.record("s", {"a": SEEN, "b": SEEN}, [], [])
        ledger.record("s", {"a": newer}, ["b"], [])
        assert ledger.seen("s") == {"a": newer}


def test_numbers_grow_also_after_everything_was_sent_and_a_restart(tmp_path: Path) -> None:
    with Ledger(tmp_path / "events.db") as ledger:
        assert ledger.next_number() == 1
        ledger.record("s", {}, [], [Pending(1, "one"), Pending(2, "two")])
        ledger.mark_sent([1, 2])
    with Ledger(tmp_path / "events.db") as ledger:
        assert ledger.next_number() == 3


def test_pending_messages_come_oldest_first_and_bounded(tmp_path: Path) -> None:
    with Ledger(tmp_path / "events.db") as ledger:
        ledger.record("s", {}, [], [Pending(n, str(n)) for n in range(1, 11)])
        assert [item.number for item in ledger.pending("s", limit=3)] == [1, 2, 3]
