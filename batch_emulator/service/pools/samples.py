"""What autoscale formulas look back at: one sample of each variable every 30 seconds, for a day.

Source: *Create a formula to automatically scale compute nodes in a Batch pool*, Methods of sample objects.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from batch_emulator.service.limits import SAMPLE_EVERY, SAMPLE_HISTORY

_KEPT = int(SAMPLE_HISTORY / SAMPLE_EVERY)


class SampleHistory:
    """Samples of one pool, oldest first; bounded."""

    def __init__(self) -> None:
        self._rows: deque[tuple[datetime, dict[str, float]]] = deque(maxlen=_KEPT)
        self.next_at: datetime | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, at: datetime, values: dict[str, float]) -> None:
        """Keep the values of all variables at a time, unless there are some of that time."""
        if not self._rows or self._rows[-1][0] < at:
            self._rows.append((at, values))
        self.next_at = at + SAMPLE_EVERY

    def series(self, variable: str) -> list[tuple[datetime, float]]:
        """The history of one variable."""
        return [(at, values[variable]) for at, values in self._rows if variable in values]
