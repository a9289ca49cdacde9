"""Emulators for tests: one for all tests that want the same of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batch_emulator.testing.local import LocalBatch

__all__ = ["Servers"]

# Options may differ from test to test: those that nobody uses are not collected without end.
_MOST_IDLE = 4
_Idle = tuple[dict[str, Any], LocalBatch]


class Servers:
    """Starts an emulator for options that no idle one has, and keeps it for the next who wants them."""

    def __init__(self) -> None:
        self._idle: list[_Idle] = []

    @contextmanager
    def lend(self, options: dict[str, Any]) -> Iterator[LocalBatch]:
        """A running emulator with these arguments of :class:`LocalBatch`, used by nobody else meanwhile.

        :raises FaultsError: its faults are not such.
        :raises PortInUseError: its port is taken.
        :raises DataDirLockedError: another emulator uses its folder.
        """
        wanted = dict(options)
        batch = self._take(wanted)
        try:
            yield batch
        finally:
            self._idle.append((wanted, batch))
            self._stop(self._idle[:-_MOST_IDLE])

    def stop(self) -> None:
        """End those that are kept."""
        self._stop(list(self._idle))

    def _take(self, wanted: dict[str, Any]) -> LocalBatch:
        for kept in self._idle:
            if kept[0] == wanted:
                self._idle.remove(kept)
                return kept[1]
        self._stop([kept for kept in self._idle if _is_in_the_way(kept[0], wanted)])
        batch = LocalBatch(**wanted)
        batch.start()
        return batch

    def _stop(self, many: list[_Idle]) -> None:
        for kept in many:
            self._idle.remove(kept)
            kept[1].stop()


def _is_in_the_way(kept: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return any(wanted.get(name) and kept.get(name) == wanted[name] for name in ("data_dir", "port"))
