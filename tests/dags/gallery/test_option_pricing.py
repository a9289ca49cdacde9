"""The shards, their merge, and the judge: each can be wrong, and then it is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import option_pricing
import pytest

from demo.gallery.entry import WrongResultError
from demo.gallery.option_pricing import Option, judge_prices

OPTION = Option()
PATHS = (20_000, 5_000, 10_000)  # of different sizes, so that a merge that weighs none is seen

Prices = dict[str, dict[str, Any]]
merge: Callable[[list[dict[str, Any]]], Prices] = option_pricing.merge.function


@pytest.fixture(scope="module")
def shards() -> list[dict[str, Any]]:
    return [
        option_pricing.simulate.function(seed, {**vars(OPTION), "paths": paths})
        for seed, paths in enumerate(PATHS)
    ]


def test_the_closed_form_is_that_of_the_textbook() -> None:
    """Hull: *Options, Futures, and Other Derivatives*, example 15.6: 4.76 and 0.81."""
    prices = Option(spot=42, strike=40, rate=0.1, volatility=0.2, years=0.5).closed_form()
    assert [round(prices[name][0], 2) for name in ("call", "put")] == [4.76, 0.81]


def test_call_and_put_are_as_far_apart_as_share_and_strike() -> None:
    prices = OPTION.closed_form()
    parity = OPTION.spot - OPTION.strike * math.exp(-OPTION.rate * OPTION.years)
    assert prices["call"][0] - prices["put"][0] == pytest.approx(parity)


def test_shards_of_any_sizes_merge_to_a_right_price(shards: list[dict[str, Any]]) -> None:
    rows = judge_prices(merge(shards), OPTION, PATHS)
    assert [row[0] for row in rows] == ["call", "put"]


def test_merging_is_the_same_as_one_shard_of_all(shards: list[dict[str, Any]]) -> None:
    whole = {name: [sum(shard[name][n] for shard in shards) for n in range(3)] for name in ("call", "put")}
    assert merge([whole]) == merge(shards)


@pytest.mark.parametrize(
    "option", [replace(OPTION, volatility=0.22), replace(OPTION, strike=104), replace(OPTION, rate=0.05)]
)
def test_the_price_of_another_option_is_refused(shards: list[dict[str, Any]], option: Option) -> None:
    with pytest.raises(WrongResultError, match="standard error"):
        judge_prices(merge(shards), option, PATHS)


def test_other_shards_of_as_many_paths_are_refused() -> None:
    """Each is a fair price, and the number of paths is right."""
    option, paths = {**vars(OPTION), "paths": 25_000}, [25_000] * 8
    shards = [option_pricing.simulate.function(seed, option) for seed in range(9)]
    judge_prices(merge(shards[7::-1]), OPTION, paths)
    for seeds in ([0, 1, 2, 3, 3, 4, 5, 6], [0, 0, 1, 1, 2, 2, 3, 3], [4] * 8, [*range(1, 9)]):
        with pytest.raises(WrongResultError, match=r"price of the call is .* each shard's seed, each once"):
            judge_prices(merge([shards[seed] for seed in seeds]), OPTION, paths)


def test_an_error_of_too_many_paths_is_refused(shards: list[dict[str, Any]]) -> None:
    """As one that is divided by n instead of n - 1."""
    wrong = merge(shards)
    wrong["put"]["error"] *= math.sqrt(1 - 1 / sum(PATHS))
    with pytest.raises(WrongResultError, match="error of the put is"):
        judge_prices(wrong, OPTION, PATHS)


def test_a_lost_and_a_doubled_shard_are_noticed(shards: list[dict[str, Any]]) -> None:
    for wrong in (shards[1:], [*shards, shards[0]]):
        with pytest.raises(WrongResultError, match="paths instead of 35000"):
            judge_prices(merge(wrong), OPTION, PATHS)


def test_a_mean_of_errors_is_no_error_of_the_mean(shards: list[dict[str, Any]]) -> None:
    alone = [merge([shard]) for shard in shards]
    wrong = merge(shards)
    for name in wrong:
        wrong[name]["error"] = sum(each[name]["error"] for each in alone) / len(alone)
    with pytest.raises(WrongResultError, match="standard error of the call"):
        judge_prices(wrong, OPTION, PATHS)
