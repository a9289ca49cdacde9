"""Whatever is left of the end of the log, the journal holds whole steps, and the first ones without a gap."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from batch_emulator.journal import Journal
from batch_emulator.service.step import Change

STEPS = 60
FILES = ("journal.sqlite", "journal.sqlite-wal")


@pytest.fixture
async def torn(tmp_path: Path) -> Path:
    """A copy of the files while the journal was open, as a kill leaves them."""
    journal = Journal.open(tmp_path / "open", "account")
    for number in range(STEPS):
        text = "x" * random.Random(number).randrange(6000)
        await journal.commit(
            [Change("task", f"{number}", {"n": number, "text": text}), Change("job", "last", {"n": number})]
        )
    (tmp_path / "torn").mkdir()
    for name in FILES:
        shutil.copy(tmp_path / "open" / name, tmp_path / "torn" / name)
    journal.close()
    return tmp_path / "torn"


def steps_in(data_dir: Path) -> int:
    """How many steps are there. :raises AssertionError: one of them is not whole, or there is a gap."""
    journal = Journal.open(data_dir, "account")
    records = {(kind, key): record for kind, key, record in journal.load()}
    journal.close()
    count = sum(kind == "task" for kind, _ in records)
    assert {key for kind, key in records if kind == "task"} == {str(number) for number in range(count)}
    assert records.get(("job", "last"), {"n": -1})["n"] == count - 1
    return count


async def test_all_is_there_after_a_kill(torn: Path) -> None:
    assert steps_in(torn) == STEPS


@pytest.mark.parametrize("seed", range(8))
async def test_a_log_cut_anywhere_holds_the_steps_before_the_cut(torn: Path, seed: int) -> None:
    log = torn / FILES[1]
    whole = log.read_bytes()
    # The first pages hold the tables; before them there is no journal yet.
    place = random.Random(seed).randrange(len(whole) // 10, len(whole))
    log.write_bytes(whole[:place])
    assert 0 <= steps_in(torn) < STEPS


@pytest.mark.parametrize("seed", range(8))
async def test_a_log_whose_end_is_rubbish_holds_the_steps_before_it(torn: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = torn / FILES[1]
    whole = bytearray(log.read_bytes())
    place = chance.randrange(len(whole) // 10, len(whole) - 1)
    whole[place:] = chance.randbytes(len(whole) - place)
    log.write_bytes(whole)
    assert 0 <= steps_in(torn) < STEPS


async def test_a_journal_goes_on_after_a_torn_tail(torn: Path) -> None:
    log = torn / FILES[1]
    log.write_bytes(log.read_bytes()[:-100])
    count = steps_in(torn)
    journal = Journal.open(torn, "account")
    await journal.commit([Change("task", f"{count}", {}), Change("job", "last", {"n": count})])
    journal.close()
    assert steps_in(torn) == count + 1
