"""A point's score, the choice of the best, and the judge."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import hyperparameter_sweep
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.svm import SVC

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
    report = found["report"]
    judge_report(report, search_serially(GRID, SEED))
    model = pickle.loads(found["model"])
    assert (model.C, model.gamma) == (1.0, 0.001)
    assert report["held_out_accuracy"] > 0.95
    judge_model(model, report, SEED)
    with pytest.raises(WrongResultError, match="held-out pictures"):
        judge_model(model, {**report, "held_out_accuracy": report["held_out_accuracy"] - 0.01}, SEED)
    with pytest.raises(WrongResultError, match="has seen others"):
        judge_model(model, report, SEED + 1)  # it has seen most of what that seed holds out


def test_of_points_that_score_the_same_it_takes_one_always() -> None:
    scores = [{"penalty": penalty, "width": 0.001, "accuracy": 0.9} for penalty in (1.0, 0.5, 10.0)]
    for order in (scores, scores[::-1]):
        assert best(order, SEED)["report"]["best"]["penalty"] == 0.5


def seen_and_unseen() -> list[Any]:
    pictures, digits = load_digits(return_X_y=True)
    return train_test_split(pictures, digits, stratify=digits, random_state=SEED)


class TestModel:
    """Each of them is said to be as good as it is."""

    def judge(self, model: SVC, pictures: Any, digits: Any, said: str) -> None:
        _, unseen, _, asked = seen_and_unseen()
        model.fit(pictures, digits)
        report = {"best": RANKED[0], "held_out_accuracy": model.score(unseen, asked)}
        with pytest.raises(WrongResultError, match=said):
            judge_model(model, report, SEED)

    def test_that_has_seen_the_held_out_pictures_too_is_refused(self) -> None:
        pictures, digits = load_digits(return_X_y=True)
        self.judge(SVC(C=1.0, gamma=0.001), pictures, digits, "on 1797 pictures; the search may see 1347")

    def test_that_has_seen_a_hundred_or_the_held_out_ones_alone_is_refused(self) -> None:
        seen, unseen, known, asked = seen_and_unseen()
        self.judge(SVC(C=1.0, gamma=0.001), seen[:100], known[:100], "trained on 100 pictures")
        self.judge(SVC(C=1.0, gamma=0.001), unseen, asked, "trained on 450 pictures")

    def test_that_has_seen_as_many_but_held_out_ones_among_them_is_refused(self) -> None:
        seen, unseen, known, asked = seen_and_unseen()
        for leaked in (1, len(unseen)):
            pictures = np.concatenate([seen[leaked:], unseen[:leaked]])
            digits = np.concatenate([known[leaked:], asked[:leaked]])
            self.judge(SVC(C=1.0, gamma=0.001), pictures, digits, "it has seen others")

    def test_of_another_point_is_refused(self) -> None:
        seen, _, known, _ = seen_and_unseen()
        self.judge(SVC(C=10.0, gamma=0.001), seen, known, "penalty 10 and width 0.001, not the best")

    def test_of_other_settings_is_refused(self) -> None:
        seen, _, known, _ = seen_and_unseen()
        self.judge(SVC(C=1.0, gamma=0.001, class_weight="balanced"), seen, known, "decisions are up to")


def test_scores_of_all_pictures_are_refused() -> None:
    """A search that sees the held-out pictures."""
    pictures, digits = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    leaked = cross_val_score(SVC(C=1.0, gamma=0.001), pictures, digits, cv=folds).mean()
    right = search_serially({"C": [1.0], "gamma": [0.001]}, SEED)
    with pytest.raises(WrongResultError, match="a grid search finds"):
        judge_search([{**RANKED[0], "accuracy": leaked}], right)


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
