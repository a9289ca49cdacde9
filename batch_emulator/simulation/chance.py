"""How long things take, by chance. Seconds throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Protocol

__all__ = ["Constant", "Exponential", "LogNormal", "Span", "Uniform"]


class Span(Protocol):
    """A distribution of spans of time."""

    def draw(self, chance: Random) -> float:
        """One of them, in seconds.

        :param chance: the simulation's source of chance.
        """
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same.

    :param seconds: the span, in seconds.
    """

    seconds: float

    def draw(self, chance: Random) -> float:
        """See :class:`Span`."""
        return self.seconds


@dataclass(frozen=True)
class Uniform:
    """Evenly between two bounds.

    :param least: seconds.
    :param most: seconds.
    """

    least: float
    most: float

    def draw(self, chance: Random) -> float:
        """See :class:`Span`."""
        return self.least + (self.most - self.least) * chance.random()


@dataclass(frozen=True)
class Exponential:
    """Memoryless: how long it took already says nothing.

    :param mean: seconds on average.
    """

    mean: float

    def draw(self, chance: Random) -> float:
        """See :class:`Span`."""
        return -math.log(1.0 - chance.random()) * self.mean


@dataclass(frozen=True)
class LogNormal:
    """Many short spans and a few long ones.

    :param median: seconds; half are shorter.
    :param sigma: the greater, the longer the tail.
    """

    median: float
    sigma: float

    def draw(self, chance: Random) -> float:
        """See :class:`Span`."""
        return self.median * math.exp(chance.gauss(0.0, self.sigma))
