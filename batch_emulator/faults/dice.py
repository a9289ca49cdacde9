"""Whether a rule strikes: drawn by seed, so that the same chances meet the same fate in every run."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from batch_emulator.faults.record import Rule, name_of

__all__ = ["Dice"]


@dataclass(eq=False)
class Dice:
    """The draws of one rule.

    Each stream (an operation, a pool) has draws of its own: how often a client polls does not change which of
    its submissions is struck.

    :param place: of the rule among all.
    """

    rule: Rule
    seed: int
    place: int
    chances: int = 0
    struck: int = 0
    _streams: dict[str, random.Random] = field(default_factory=dict, repr=False)

    def strikes(self, stream: str) -> bool:
        """Take a chance."""
        self.chances += 1
        draw = self._of(stream).random()
        if self.chances <= self.rule.skip or draw >= self.rule.rate:
            return False
        if self.rule.times is not None and self.struck >= self.rule.times:
            return False
        self.struck += 1
        return True

    def spread(self, stream: str, least: float, jitter: float) -> float:
        """A span of time from ``least`` to ``least + jitter`` seconds."""
        return least + jitter * self._of(f"{stream}/spread").random()

    def source(self, stream: str) -> random.Random:
        """Draws for one thing, named within the rule, from their beginning."""
        name = f"{self.seed}/{name_of(self.rule)}/{self.place}/{stream}"
        return random.Random(name)  # noqa: S311 - repeatable, not secret

    def _of(self, stream: str) -> random.Random:
        if stream not in self._streams:
            self._streams[stream] = self.source(stream)
        return self._streams[stream]
