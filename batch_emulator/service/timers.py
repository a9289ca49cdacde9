"""What is due when. Entries are hints: whoever is woken looks at the entity's own times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime


class Timers:
    """A heap of (time, kind, key)."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, str]] = []
        self._announced: datetime | None = None

    def set(self, at: datetime | None, kind: str, key: str) -> None:
        """Wake ``key`` of ``kind`` at a time; ``None`` is never."""
        if at is not None:
            heapq.heappush(self._heap, (at, kind, key))

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Take out everything that is due."""
        while self._heap and self._heap[0][0] <= now:
            at, kind, key = heapq.heappop(self._heap)
            while self._heap and self._heap[0] == (at, kind, key):
                heapq.heappop(self._heap)
            yield kind, key
        if self._announced is not None and self._announced <= now:
            self._announced = None

    def to_announce(self) -> datetime | None:
        """The next time, once, if nobody has been told of it or of an earlier one."""
        if not self._heap:
            return None
        at = self._heap[0][0]
        if self._announced is not None and self._announced <= at:
            return None
        self._announced = at
        return at
