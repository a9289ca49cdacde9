"""Which processes belong together, read from Linux's /proc.

A task's processes are found in three ways, since each has a hole: by session (a process may leave it), by
parenthood (lost when a parent ends first), by an environment entry (a process may hide it).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

__all__ = ["children", "descendants", "is_alive", "kill_all", "processes_with_environment"]

# A flag in a process's `stat`: it is the kernel's own (PF_KTHREAD).
_OF_KERNEL = 0x00200000
_EXEC_ROUNDS = 20
_EXEC_PAUSE_SECONDS = 0.001
_ROUNDS = 200
_PAUSE_SECONDS = 0.01


def _pids() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def _stat(pid: int) -> list[bytes] | None:
    """What the system says of a process after its name: state, parent, ..., as the seventh its flags."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The program's name, in parentheses, may itself hold spaces and parentheses.
            return file.read().rpartition(b")")[2].split(maxsplit=7) or None
    except OSError:
        return None


def _state_and_parent(pid: int) -> tuple[str, int] | None:
    found = _stat(pid)
    return None if found is None else (found[0].decode(), int(found[1]))


def _may_get_environment(pid: int) -> bool:
    found = _stat(pid)
    return found is not None and found[0] not in (b"Z", b"X") and not int(found[6]) & _OF_KERNEL


def is_alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    found = _state_and_parent(pid)
    return found is not None and found[0] not in "ZX"


def children(pid: int) -> set[int]:
    """Ids of a process's children, zombies included."""
    try:
        found: set[int] = set()
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.update(map(int, file.read().split()))
        return found
    except OSError:  # the kernel was built without that list
        return {child for child in _pids() if (_state_and_parent(child) or ("", 0))[1] == pid}


def descendants(pid: int) -> set[int]:
    """Ids of all processes below one, itself left out."""
    parents: dict[int, list[int]] = {}
    for child in _pids():
        found = _state_and_parent(child)
        if found is not None:
            parents.setdefault(found[1], []).append(child)
    below: set[int] = set()
    frontier = [pid]
    while frontier:
        for child in parents.get(frontier.pop(), ()):
            if child not in below:
                below.add(child)
                frontier.append(child)
    return below


def _environment(pid: int) -> list[bytes]:
    # While a process is becoming another program it shows no environment, though it will have one.
    for _ in range(_EXEC_ROUNDS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                content = file.read()
        except OSError:
            break
        if content or not _may_get_environment(pid):
            return content.split(b"\0")
        time.sleep(_EXEC_PAUSE_SECONDS)
    return []


def processes_with_environment(name: str, prefix: str, among: Iterable[int] | None = None) -> set[int]:
    """Ids of the processes started with an environment variable whose value is a path or lies below it.

    :param name: of the variable.
    :param prefix: the path.
    :param among: look only at these processes; all, if not given. This process is never in the answer.
    """
    exact = f"{name}={prefix}".encode()
    below = exact.rstrip(b"/") + b"/"
    found = set()
    for pid in _pids() if among is None else among:
        if any(entry == exact or entry.startswith(below) for entry in _environment(pid)):
            found.add(pid)
    found.discard(os.getpid())
    return found


def kill_all(name: str, path: str) -> int:
    """Kill the processes that :func:`processes_with_environment` finds, and those they start meanwhile.

    Returns when none is left alive, or after two seconds.

    :returns: how many were sent SIGKILL.
    """
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        alive = {pid for pid in processes_with_environment(name, path) if is_alive(pid)}
        if not alive:
            break
        for pid in alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= alive
        time.sleep(_PAUSE_SECONDS)
    return len(killed)
