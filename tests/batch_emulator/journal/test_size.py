"""The files stay in proportion to what the account holds, however much was written."""

from __future__ import annotations

from pathlib import Path

from batch_emulator.journal import Journal
from batch_emulator.journal.schema import LOG_BYTES
from batch_emulator.service.step import Change

TEXT = "x" * 1000
COUNT = 12_000


def size(data_dir: Path) -> int:
    return sum(path.stat().st_size for path in data_dir.glob("journal.sqlite*"))


async def test_writing_the_same_records_again_and_again_does_not_grow_the_files(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    for turn in range(60):
        await journal.commit([Change("task", f"{n}", {"turn": turn, "text": TEXT}) for n in range(1000)])
    assert size(tmp_path) < 3 * 1000 * len(TEXT) + 2 * LOG_BYTES
    journal.close()
    assert size(tmp_path) < 3 * 1000 * len(TEXT)


async def test_deleted_records_give_their_room_back(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "account")
    await journal.commit([Change("task", f"{n}", {"text": TEXT}) for n in range(COUNT)])
    await journal.commit([Change("job", "kept", {"text": TEXT})])
    full = COUNT * len(TEXT)
    # A job of many tasks is deleted in one step; the room comes back in portions as work goes on.
    await journal.commit([Change("task", f"{n}", None) for n in range(COUNT)])
    for turn in range(10):
        await journal.commit([Change("task", "t", {"turn": turn}), Change("task", "u", None)])
    assert {key for _, key, _ in journal.load()} == {"kept", "t"}
    journal.close()
    assert size(tmp_path) < full / 2
