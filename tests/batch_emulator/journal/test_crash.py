"""kill -9 at random instants of heavy writing, again and again: everything acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from batch_emulator.journal import Journal

LANES = 20
LIVES = 4
# Each lane counts on from where it was, keeps a record of every tenth number and deletes it again later, so
# that the kills meet growth, deletion and the giving back of room.
WRITER = """
import asyncio, pathlib, sys
from batch_emulator.journal import Journal
from batch_emulator.service.step import Change

async def write(journal, lane, start):
    for number in range(start, 1_000_000):
        text = "y" * 5000
        changes = [Change("task", str(lane), {"n": number}), Change("job", f"{lane}-{number}", {"x": text})]
        if number >= 10:
            changes.append(Change("job", f"{lane}-{number - 10}", None))
        await journal.commit(changes)
        sys.stdout.write(f"{lane} {number}\\n")
        sys.stdout.flush()

async def main():
    journal = Journal.open(pathlib.Path(sys.argv[1]), "account")
    reached = {key: record["n"] for kind, key, record in journal.load() if kind == "task"}
    await asyncio.gather(*(write(journal, lane, reached.get(str(lane), -1) + 1) for lane in range(20)))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_everything_acknowledged_survives_kill_9(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: dict[str, int] = {}
    for _ in range(LIVES):
        acknowledged |= live_and_die(tmp_path, after=chance.randrange(LANES, 1500))
        check(tmp_path, acknowledged)
    assert len(acknowledged) == LANES


def live_and_die(data_dir: Path, after: int) -> dict[str, int]:
    """Write until so many commits were acknowledged, and be killed. What was acknowledged, by lane."""
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data_dir)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for count, line in enumerate(writer.stdout):
            if not line.endswith("\n"):
                break
            lane, number = line.split()
            acknowledged[lane] = int(number)
            if count == after:
                writer.kill()
        writer.wait(60)
    return acknowledged


def check(data_dir: Path, acknowledged: dict[str, int]) -> None:
    journal = Journal.open(data_dir, "account")
    records = {(kind, key): record for kind, key, record in journal.load()}
    journal.close()
    for lane, last in acknowledged.items():
        reached = records["task", lane]["n"]
        assert reached >= last
        # All records of a step are there or none is, and what was deleted stays away.
        kept = {
            int(key.split("-")[1]) for kind, key in records if kind == "job" and key.split("-")[0] == lane
        }
        assert kept == set(range(max(0, reached - 9), reached + 1))
