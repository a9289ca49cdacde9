"""How often a job is looked at: often while it is young, seldom when it runs long."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = 1.0
LONGEST = 15.0
GROWTH = 1.25


class Pace:
    """Seconds between looks: 1 at first, a quarter more each time, at most 15, with jitter.

    Parameters:
        longest: the ceiling in seconds.
        first: the first period in seconds.
        uniform: gives a number between two; for the jitter of a tenth, so that many loops spread.
    """

    def __init__(
        self,
        longest: float = LONGEST,
        first: float = FIRST,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._longest = longest
        self._first = min(first, longest)
        self._uniform = uniform
        self._period = self._first

    def restart(self) -> None:
        """Look often again: there is something new to watch."""
        self._period = self._first

    def next(self, retry_after: float | None = None) -> float:
        """Seconds to wait now; never less than the service asks for."""
        period = self._period
        self._period = min(self._longest, period * GROWTH)
        return max(retry_after or 0.0, self._uniform(0.9, 1.1) * period)
