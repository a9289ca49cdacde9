"""The time that the account lives by: the machine's, ahead of it, or standing still until it is moved."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

__all__ = ["Appointment", "Clock", "Timers"]

# The clock may be another one than the event loop's: it is looked at again at least this often.
_LONGEST_WAIT_SECONDS = 3600.0


class Clock:
    """Tells the time, which may be moved forward.

    :param stopped_at: the time at which it stands, aware UTC; without one it goes with the machine's.
    """

    def __init__(self, stopped_at: datetime | None = None) -> None:
        self._stands_at = stopped_at
        self._ahead = timedelta(0)

    @property
    def is_stopped(self) -> bool:
        """Whether it moves only when it is moved."""
        return self._stands_at is not None

    def __call__(self) -> datetime:
        """The time now, aware UTC."""
        if self._stands_at is not None:
            return self._stands_at
        return datetime.now(timezone.utc) + self._ahead

    def move_to(self, at: datetime) -> None:
        """Set it forward; a time that has passed changes nothing."""
        by = at - self()
        if by <= timedelta(0):
            return
        if self._stands_at is not None:
            self._stands_at = at
        else:
            self._ahead += by


@dataclass(order=True)
class Appointment:
    """Something to be done at a time, unless it is cancelled."""

    at: datetime
    number: int
    callback: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Let it not be done."""
        self.callback = None


class Timers:
    """What is to be done at times of a clock."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._heap: list[Appointment] = []
        self._made = 0
        self._timer: asyncio.TimerHandle | None = None

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Appointment:
        """Call back in a number of seconds."""
        self._made += 1
        appointment = Appointment(self._clock() + timedelta(seconds=delay), self._made, callback)
        heapq.heappush(self._heap, appointment)
        if self._heap[0] is appointment:
            self._arm()
        return appointment

    def next_due(self) -> datetime | None:
        """When there is something to be done next."""
        while self._heap and self._heap[0].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0].at if self._heap else None

    def look(self) -> None:
        """Do what is due; for use when the clock was moved."""
        now = self._clock()
        while (due := self.next_due()) is not None and due <= now:
            callback = heapq.heappop(self._heap).callback
            if callback is not None:
                callback()
        self._arm()

    def cancel(self) -> None:
        """Do nothing any more."""
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.next_due()
        if due is not None:
            wait = min(max((due - self._clock()).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(wait, self.look)
