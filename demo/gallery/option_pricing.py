"""Option pricing, judged by the closed form of Black and Scholes, and by the same paths drawn in one go."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError

__all__ = ["ENTRY", "Option", "judge_prices"]

_PATHS = [100_000] * 8
_ERRORS = 4.0  # a right price is farther off once in 16,000 times; with fixed seeds never or always
_ERROR_OF_ERRORS = 0.02
_ROUNDING = 1e-9  # of a sum of many payoffs; one shard for another changes a ten-thousandth or more


@dataclass(frozen=True)
class Option:
    """The option that is priced, as the DAG's parameters have it."""

    spot: float = 100.0
    strike: float = 105.0
    rate: float = 0.03
    volatility: float = 0.2
    years: float = 1.0

    def closed_form(self) -> dict[str, tuple[float, float]]:
        """Price, and standard deviation of the discounted payoff, of call and put.

        Black, Scholes: *The Pricing of Options and Corporate Liabilities*, 1973. The second moment follows
        likewise from that of the lognormal price: E[(S - K)+ ** 2].
        """
        spread = self.volatility * math.sqrt(self.years)
        distance = (math.log(self.spot / self.strike) + self.rate * self.years) / spread
        discount = math.exp(-self.rate * self.years)
        square = self.spot**2 * math.exp(spread**2)  # of the discounted price, on average
        found = {}
        for name, sign in (("call", 1), ("put", -1)):
            above, at, below = (
                NormalDist().cdf(sign * (distance + shift * spread)) for shift in (1.5, 0.5, -0.5)
            )
            owed = self.strike * discount
            price = sign * (self.spot * at - owed * below)
            second = square * above - 2 * self.spot * owed * at + owed**2 * below
            found[name] = price, math.sqrt(second - price**2)
        return found

    def drawn(self, shards: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Price and standard error, of call and put, by the paths of all shards in one process.

        Parameters:
            shards: paths of each. Its place is its seed.
        """
        spread = self.volatility * math.sqrt(self.years)
        drift = self.rate * self.years - spread**2 / 2
        gains = []  # at the end, of the share over the strike
        for seed, paths in enumerate(shards):
            chance = random.Random(seed)
            gains += [
                self.spot * math.exp(drift + spread * chance.gauss(0, 1)) - self.strike for _ in range(paths)
            ]
        discount = math.exp(-self.rate * self.years)
        found = {}
        for name, sign in (("call", 1), ("put", -1)):
            payoffs = [discount * max(sign * gain, 0.0) for gain in gains]
            price = math.fsum(payoffs) / len(payoffs)
            squares = math.fsum((payoff - price) ** 2 for payoff in payoffs)
            found[name] = price, math.sqrt(squares / (len(payoffs) - 1) / len(payoffs))
        return found


def judge_prices(prices: Mapping[str, Any], option: Option, shards: Sequence[int]) -> list[tuple[str, ...]]:
    """Rows of the table: what was priced beside the closed form.

    Parameters:
        prices: of `call` and `put`: `price`, `error`, `paths`, as the DAG returns them.
        option: what was to be priced.
        shards: how many paths each was to have. Its place is its seed.

    Raises:
        WrongResultError: a price is farther from the closed form than chance allows, or its error is wrong;
            or they are not those of the paths that were to be drawn.
    """
    rows: list[tuple[str, ...]] = []
    paths, drawn = sum(shards), option.drawn(shards)
    for name, (price, deviation) in option.closed_form().items():
        found = prices[name]
        error = deviation / math.sqrt(paths)
        off = (found["price"] - price) / error
        if found["paths"] != paths:
            raise WrongResultError(f"The {name} was priced by {found['paths']} paths instead of {paths}.")
        if abs(found["error"] / error - 1) > _ERROR_OF_ERRORS:
            raise WrongResultError(
                f"The standard error of the {name} is {found['error']:.5f} instead of {error:.5f}."
            )
        if abs(off) > _ERRORS:
            raise WrongResultError(
                f"The {name} is worth {price:.4f} by Black and Scholes, {found['price']:.4f} by Monte Carlo, "
                f"which is {off:+.1f} standard errors off; {_ERRORS:g} are allowed."
            )
        for kind, right in zip(("price", "error"), drawn[name], strict=True):
            if not math.isclose(found[kind], right, rel_tol=_ROUNDING):
                raise WrongResultError(
                    f"The {kind} of the {name} is {found[kind]!r}, and {right!r} by the same paths in one "
                    "go: they are not those of each shard's seed, each once."
                )
        rows.append(
            (
                name,
                f"{found['price']:.4f} ± {found['error']:.4f}",
                f"{price:.4f}",
                f"{off:+.2f}",
                f"{paths:,}",
            )
        )
    return rows


def _judge(outcome: Outcome) -> Shown:
    return Shown(
        "Monte Carlo beside Black and Scholes",
        ("option", "Monte Carlo", "closed form", "off by standard errors", "paths"),
        judge_prices(outcome.returned("merge"), Option(), _PATHS),
        ("Prices and errors are those of the same paths in one go.",),
    )


ENTRY = Entry("option_pricing", _judge)
