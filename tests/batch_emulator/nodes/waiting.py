"""Waiting on conditions with a bound."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from batch_emulator.nodes.agent.process_tree import is_alive

SECONDS = 60.0


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until a condition holds; fail after a bounded time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {SECONDS} s"
        await asyncio.sleep(0.005)


async def pid_in(path: Path) -> int:
    """The process id that a process writes into a file."""

    def read() -> str:
        return path.read_text().strip() if path.exists() else ""

    await until(lambda: read().isdigit(), f"{path} with a process id")
    return int(read())


async def until_dead(*pids: int) -> None:
    """Wait until processes are gone."""
    assert os.getpid() not in pids
    await until(lambda: not any(is_alive(pid) for pid in pids), f"the end of {pids}")
