"""Whatever is asked in whatever order, whatever happens: nothing is broken, and everything can be ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.service.jobs import preparation
from batch_emulator.service.scheduling import capacity
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs
from tests.batch_emulator.sequences.play import play, shrink

ROOT = Path(__file__).parents[3]
SEQUENCES = int(os.environ.get("BATCH_EMULATOR_SEQUENCES", "300"))
FIRST_SEED = int(os.environ.get("BATCH_EMULATOR_FIRST_SEED", "0"))
BATCHES = 10


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_sequence_breaks_anything(batch: int) -> None:
    """BATCH_EMULATOR_SEQUENCES says how many, BATCH_EMULATOR_FIRST_SEED which."""
    for seed in range(FIRST_SEED + batch, FIRST_SEED + SEQUENCES, BATCHES):
        played = play(seed)
        if played.error is not None:
            raise AssertionError(shrink(played).text) from played.error


def test_a_sequence_is_the_same_in_every_process() -> None:
    command = [sys.executable, "-m", "tests.batch_emulator.sequences", *map(str, range(12)), "--digest"]
    told = [
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            timeout=120,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0].split()) == 12 * 2


def _ready_at_once(state: Any, room: Any, task: Any) -> None:
    room.ready.push(task)
    state.offer(room)


def _do_nothing(*arguments: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("module", "rule", "instead", "seen"),
    [
        (task_runs, "make_ready", _ready_at_once, "overtook|waiting"),
        (task_runs, "occupy", _do_nothing, "slots in use|runs already"),
        (task_runs, "kill", _do_nothing, "goes on after terminate"),
        (preparation, "must_wait", lambda state, room, node: False, "not prepared"),
        (State, "removed", _do_nothing, "journal differs"),
        (capacity, "accepts_tasks", lambda node: True, "slots offered"),
    ],
)
def test_a_rule_that_is_broken_is_seen_and_told_in_few_steps(
    module: Any, rule: str, instead: Any, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, rule, instead)
    failed = next(played for seed in range(200) if re.search(seen, str((played := play(seed)).error)))
    shortest = shrink(failed)
    assert type(shortest.error) is type(failed.error)
    assert len(shortest.steps) < len(failed.steps)
    assert f"Replay: python -m tests.batch_emulator.sequences {failed.seed}" in shortest.text
