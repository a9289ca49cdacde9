"""kill -9 in the middle of heavy commits: everything acknowledged is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from batch_emulator.journal import Journal

WRITER = """
import asyncio, pathlib, sys
from batch_emulator.journal import Journal
from batch_emulator.service.step import Change

async def write(lane, commit):
    for number in range(1_000_000):
        await commit([Change("task", f"{lane}", {"n": number}), Change("job", f"{lane}-{number}", {})])
        sys.stdout.write(f"{lane} {number}\\n")
        sys.stdout.flush()

async def main():
    journal = Journal.open(pathlib.Path(sys.argv[1]), "account")
    await asyncio.gather(*(write(lane, journal.commit) for lane in range(20)))

asyncio.run(main())
"""


def test_everything_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged: dict[str, int] = {}
        for count, line in enumerate(writer.stdout):
            lane, number = line.split()
            acknowledged[lane] = int(number)
            if count == 2000:
                writer.kill()
        writer.wait(10)
    assert len(acknowledged) == 20
    journal = Journal.open(tmp_path, "account")
    records = {(kind, key): record for kind, key, record in journal.load()}
    journal.close()
    for lane, last in acknowledged.items():
        reached = records["task", lane]["n"]
        assert reached >= last
        # Both records of a step are there or neither is.
        assert all(("job", f"{lane}-{number}") in records for number in range(reached + 1))
        assert ("job", f"{lane}-{reached + 1}") not in records
