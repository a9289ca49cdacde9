"""Duplicates and disorder on purpose: what consumers of Event Grid must bear. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

__all__ = ["Disturbance"]

T = TypeVar("T")


@dataclass
class Disturbance:
    """Decides which messages of a batch are sent now, in which order and how often.

    A message held back stays pending and is offered again with the next batch, so none is lost.

    Parameters:
        duplicate_rate: share of messages sent twice, 0..1.
        disorder_rate: share of messages held back for a later batch, 0..1 (1 itself is not allowed: nothing
            would ever be sent). Above 0 the batch is also shuffled.
        seed: equal seeds disturb equally.
    """

    duplicate_rate: float = 0.0
    disorder_rate: float = 0.0
    seed: int = 0
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.duplicate_rate <= 1:
            raise ValueError(f"The duplicate rate must be within 0..1, it is {self.duplicate_rate}.")
        if not 0 <= self.disorder_rate < 1:
            raise ValueError(f"The disorder rate must be at least 0 and below 1, it is {self.disorder_rate}.")
        self._random = Random(self.seed)  # noqa: S311 - repeatable on purpose, guards nothing

    def apply(self, pending: Sequence[T]) -> list[T]:
        """The messages to send now; one may appear twice."""
        if not self.duplicate_rate and not self.disorder_rate:
            return list(pending)
        chosen: list[T] = []
        for message in pending:
            if self._random.random() < self.disorder_rate:
                continue
            chosen.append(message)
            if self._random.random() < self.duplicate_rate:
                chosen.append(message)
        if self.disorder_rate:
            self._random.shuffle(chosen)
        return chosen
