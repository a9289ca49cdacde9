"""End processes: asked first, killed after a while."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable

import psutil

__all__ = ["end_all"]

_ROUND_SECONDS = 0.1
_KILL_ROUNDS = 50


def end_all(find: Callable[[], Iterable[psutil.Process]], grace_seconds: float) -> list[int]:
    """SIGTERM to all that `find` returns, SIGKILL to what is left (or came meanwhile) after the grace.

    Parameters:
        find: called again and again, since a process that ends may leave children.
        grace_seconds: time between the two signals.

    Returns:
        Process ids that could not be ended; empty unless the system refuses.
    """
    for process in find():
        with contextlib.suppress(psutil.Error):
            process.terminate()
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and _living(find()):
        time.sleep(_ROUND_SECONDS / 2)
    for _ in range(_KILL_ROUNDS):
        left = _living(find())
        if not left:
            return []
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=_ROUND_SECONDS)
    return [process.pid for process in _living(find())]


def _living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living
