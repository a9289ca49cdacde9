"""A point's score, the choice of the best, and the judge."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import hyperparameter_sweep
import pytest

from demo.gallery.entry import WrongResultError
from demo.gallery.hyperparameter_sweep import _GRID, judge_model, judge_report, judge_search, search_serially

SEED = 3
GRID = {"C": [1.0], "gamma": [0.001, 0.1]}
RIGHT = {(1.0, 0.001): 0.98, (1.0, 0.1): 0.1}
RANKED = [
    {"penalty": 1.0, "width": 0.001, "accuracy": 0.98},
    {"penalty": 1.0, "width": 0.1, "accuracy": 0.1},
]

score: Callable[..., dict[str, Any]] = hyperparameter_sweep.score.function
best: Callable[..., dict[str, Any]] = hyperparameter_sweep.best.function


def test_the_judge_searches_the_grid_of_the_dag() -> None:
    assert {"C": hyperparameter_sweep.GRID["penalty"], "gamma": hyperparameter_sweep.GRID["width"]} == _GRID


def test_points_scored_one_by_one_are_the_serial_search_and_the_model_is_as_good_as_it_says() -> None:
    scores = [score(penalty, width, SEED) for penalty in GRID["C"] for width in GRID["gamma"]]
    found = best(scores[::-1], SEED)
    judge_report(found["report"], search_serially(GRID, SEED))
    model, accuracy = pickle.loads(found["model"]), found["report"]["held_out_accuracy"]
    assert (model.C, model.gamma) == (1.0, 0.001)
    assert accuracy > 0.95
    judge_model(model, accuracy, SEED)
    with pytest.raises(WrongResultError, match="held-out pictures"):
        judge_model(model, accuracy - 0.01, SEED)
    with pytest.raises(WrongResultError, match="held-out pictures"):
        judge_model(model, accuracy, SEED + 1)  # it has seen most of what that seed holds out


def test_of_points_that_score_the_same_it_takes_one_always() -> None:
    scores = [{"penalty": penalty, "width": 0.001, "accuracy": 0.9} for penalty in (1.0, 0.5, 10.0)]
    for order in (scores, scores[::-1]):
        assert best(order, SEED)["report"]["best"]["penalty"] == 0.5


class TestJudge:
    def test_what_is_right_passes(self) -> None:
        judge_search(RANKED, RIGHT)

    @pytest.mark.parametrize(
        ("ranked", "said"),
        [
            (RANKED[:1], "points that were tried"),
            ([*RANKED, RANKED[0]], "points that were tried"),
            ([RANKED[0], {**RANKED[1], "accuracy": 0.2}], "width 0.1 score 0.200000; a grid search"),
            (RANKED[::-1], "Rank 1 has .*goes before it"),
        ],
    )
    def test_what_is_wrong_is_named(self, ranked: list[dict[str, float]], said: str) -> None:
        with pytest.raises(WrongResultError, match=said):
            judge_search(ranked, RIGHT)

    def test_ranks_below_the_first_count_too_and_points_of_one_score_have_an_order(self) -> None:
        points = [(1.0, 0.001, 0.98), (0.1, 0.1, 0.5), (1.0, 0.1, 0.5), (10.0, 0.1, 0.1)]
        right = {(penalty, width): accuracy for penalty, width, accuracy in points}
        first, second, third, fourth = (
            {"penalty": penalty, "width": width, "accuracy": accuracy} for penalty, width, accuracy in points
        )
        judge_search([first, second, third, fourth], right)
        for swapped, rank in (([first, third, second, fourth], 2), ([first, second, fourth, third], 3)):
            with pytest.raises(WrongResultError, match=f"Rank {rank} has"):
                judge_search(swapped, right)

    def test_the_best_is_the_first(self) -> None:
        judge_report({"best": RANKED[0], "ranked": RANKED}, RIGHT)
        with pytest.raises(WrongResultError, match=r"The best is said to be .*0.1}, and rank 1 is"):
            judge_report({"best": RANKED[1], "ranked": RANKED}, RIGHT)
