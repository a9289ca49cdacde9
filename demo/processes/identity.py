"""Tell a process from another that got the same number later."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["ProcessIdentity", "identity_of", "kin_of"]

_START_TIME_FIELD = 22  # of /proc/<pid>/stat, counted from one as proc(5) does


@dataclass(frozen=True)
class ProcessIdentity:
    """A process by number and start.

    Parameters:
        pid: process id.
        started: when it started, in the system's own measure; to be compared only.
    """

    pid: int
    started: str

    @property
    def is_alive(self) -> bool:
        """Whether this very process exists and is not a zombie."""
        now = identity_of(self.pid)
        if now is None or now.started != self.started:
            return False
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False


def _started(pid: int) -> str:
    if sys.platform != "linux":
        return repr(psutil.Process(pid).create_time())
    # Ticks since boot: unlike a time of day they do not move when the clock is set.
    text = Path(f"/proc/{pid}/stat").read_text()
    after_name = text[text.rindex(")") + 2 :].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{after_name[_START_TIME_FIELD - 3]}"


def identity_of(pid: int) -> ProcessIdentity | None:
    """The identity of a running process; None if there is no process of that number."""
    try:
        return ProcessIdentity(pid, _started(pid))
    except (OSError, ValueError, psutil.Error):
        return None


def kin_of(leader: ProcessIdentity) -> list[psutil.Process]:
    """The process, its descendants, and the members of its group and session.

    If the leader is gone its group may still have members: their number cannot be given to another leader
    as long as they live. If the number now belongs to another process, nobody is returned.
    """
    current = identity_of(leader.pid)
    if current is not None and current.started != leader.started:
        return []
    found: dict[int, psutil.Process] = {}
    if current is not None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(leader.pid)
            found = {item.pid: item for item in [process, *process.children(recursive=True)]}
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if leader.pid in (os.getpgid(process.pid), os.getsid(process.pid)):
                found[process.pid] = process
    found.pop(os.getpid(), None)
    return list(found.values())
