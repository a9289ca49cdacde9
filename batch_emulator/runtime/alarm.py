"""Wakes the service at the times it asked for."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime

__all__ = ["Alarm"]

# The clock may be another one than the event loop's: it is looked at again at least this often.
_LONGEST_WAIT_SECONDS = 3600.0


class Alarm:
    """One timer for any number of times.

    :param clock: the present time, aware UTC.
    :param ring: called at, or soon after, each time that was set; once for times that have passed together.
    """

    def __init__(self, clock: Callable[[], datetime], ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._times: list[datetime] = []
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: datetime) -> None:
        """Ring at a time, beside those set before."""
        if at in self._times[:1]:
            return
        heapq.heappush(self._times, at)
        if self._times[0] == at:
            self._arm()

    def next_due(self) -> datetime | None:
        """The earliest time that is set."""
        return self._times[0] if self._times else None

    def look(self) -> None:
        """Ring if a time has come; for use when the clock was moved."""
        now = self._clock()
        due = False
        while self._times and self._times[0] <= now:
            heapq.heappop(self._times)
            due = True
        if due:
            self._ring()
        self._arm()

    def cancel(self) -> None:
        """Forget all times."""
        self._times.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._times:
            wait = (self._times[0] - self._clock()).total_seconds()
            wait = min(max(wait, 0.0), _LONGEST_WAIT_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(wait, self.look)
