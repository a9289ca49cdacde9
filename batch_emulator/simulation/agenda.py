"""The virtual clock of a simulation, and what is appointed by it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Agenda", "Appointment"]


class Appointment:
    """Something to be done at a time, unless it is cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Let it not be done."""
        self.callback = None


class Agenda:
    """Goes from one appointed time to the next.

    :param start: the first time, aware UTC.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        # Plain numbers: they are compared more often than anything else in a simulation.
        self._seconds = 0.0
        self._made = 0
        self._heap: list[tuple[float, int, Appointment]] = []
        self.now = start

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Appointment:
        """Do something in a number of seconds."""
        return self._appoint(self._seconds + delay, callback)

    def call_at(self, at: datetime, callback: Callable[[], None]) -> Appointment:
        """Do something at a time."""
        return self._appoint(max(self._seconds, (at - self._start).total_seconds()), callback)

    def next_due(self) -> datetime | None:
        """The next time at which there is something to do."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
        return self._time(heap[0][0]) if heap else None

    def go_on(self) -> None:
        """Go to the next time and do all that is appointed for it, in the order in which it was."""
        heap = self._heap
        seconds = self._seconds = heap[0][0]
        self.now = self._time(seconds)
        while heap and heap[0][0] == seconds:
            callback = heapq.heappop(heap)[2].callback
            if callback is not None:
                callback()

    def skip_to(self, at: datetime) -> None:
        """Go to a time up to which there is nothing to do."""
        self._seconds = max(self._seconds, (at - self._start).total_seconds())
        self.now = max(self.now, at)

    def _appoint(self, seconds: float, callback: Callable[[], None]) -> Appointment:
        appointment = Appointment(callback)
        self._made += 1
        heapq.heappush(self._heap, (seconds, self._made, appointment))
        return appointment

    def _time(self, seconds: float) -> datetime:
        # Rounded up: a time that the service asked for must have come when it is told so.
        return self._start + timedelta(microseconds=math.ceil(seconds * 1_000_000))
