"""When a watcher tells of the blobs that it has collected. Pure; the caller has the clock."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable

from airflow_batch_provider.client.blobs.announcements import Announcement
from airflow_batch_provider.spec.blob_batching import BlobBatching

SPACING = 3.0
"""Seconds between two events of a watcher. Airflow 3.3 strands an asset event that comes before the scheduler
consumed the one before it (apache/airflow#56050), so a burst must be one event."""


class WaitingBlobs:
    """The blobs that one watcher has collected and not told of."""

    def __init__(self, batching: BlobBatching) -> None:
        self._batching = batching
        self._arrived: OrderedDict[str, tuple[float, Announcement]] = OrderedDict()
        self._not_before = -math.inf

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, news: Iterable[Announcement], now: float) -> None:
        """Collect what came, and hold it."""
        for known in news:
            known.hold()
            self._arrived[known.event.version] = (now, known)

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell of them."""
        if not self._arrived or now < self._not_before:
            return False
        times = [arrived for arrived, _ in self._arrived.values()]
        return self._batching.is_due(len(times), times[0], times[-1], now)

    def take(self, now: float) -> list[Announcement]:
        """Take what goes into the next event, oldest first."""
        self._not_before = now + SPACING
        taken = self.rest()[: self._batching.max_batch]
        for known in taken:
            del self._arrived[known.event.version]
        return taken

    def rest(self) -> list[Announcement]:
        """What has not been told of, oldest first."""
        return [known for _, known in self._arrived.values()]
