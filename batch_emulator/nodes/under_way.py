"""What goes on in real time while the account's time is moved: starts of nodes, and processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

__all__ = ["START_SECONDS", "UnderWay"]

# A real node may take as long as the service gives an allocation: *Pool - Add*, default of ``resizeTimeout``.
START_SECONDS = 900.0


class UnderWay:
    """Says for how long time is to wait for work that it cannot hurry. Never for ever.

    :param now: real time in seconds, from any beginning.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._starts: dict[Hashable, float] = {}
        self._runs: dict[Hashable, float] = {}

    def start_began(self, start: Hashable) -> None:
        """A node is being started."""
        self._starts[start] = self.now()

    def run_began(self, run: Hashable) -> None:
        """A command waits for its node, or its files are brought, or it is begun: each counts anew."""
        self._runs[run] = self.now()

    def ended(self, work: Hashable) -> None:
        """A start or run is over and was reported."""
        self._starts.pop(work, None)
        self._runs.pop(work, None)

    def is_starting(self) -> bool:
        """Whether a node is being started, for less than :data:`START_SECONDS`."""
        now = self.now()
        return any(now - began < START_SECONDS for began in self._starts.values())

    def is_fresh(self, settle: float) -> bool:
        """Whether a run goes on that began less than so many seconds ago."""
        now = self.now()
        return any(now - began < settle for began in self._runs.values())
