"""The sweep, judged by scikit-learn's own grid search, and the model by one that is trained here."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from typing import Any

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError

__all__ = ["CREDIT", "ENTRY", "judge_model", "judge_report", "judge_search", "search_serially"]

CREDIT = "Optical recognition of handwritten digits: Alpaydin, Kaynak, 1998, CC BY 4.0; by scikit-learn"
_GRID = {"C": [0.1, 1.0, 10.0], "gamma": [0.0001, 0.001, 0.01]}
_SEED = 20
_CLOSE = 1e-9
_DECISIONS_CLOSE = 1e-6  # another picture among the ones that count changes the fourth decimal
_FOLDER = "outgoing/models/digits"


def search_serially(grid: Mapping[str, Any], seed: int) -> dict[tuple[float, float], float]:
    """Cross-validated accuracy by penalty and width, over the same split and folds."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
    from sklearn.svm import SVC

    pictures, digits = load_digits(return_X_y=True)
    seen, _, known, _ = train_test_split(pictures, digits, stratify=digits, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    search = GridSearchCV(SVC(), dict(grid), cv=folds, refit=False).fit(seen, known)
    points = ((point["C"], point["gamma"]) for point in search.cv_results_["params"])
    return dict(zip(points, map(float, search.cv_results_["mean_test_score"]), strict=True))


def judge_search(ranked: list[dict[str, float]], right: Mapping[tuple[float, float], float]) -> None:
    """Whether every point of the grid was tried once and scored right, and they are in the order of scores.

    Points of the same score are in the order of penalty and width.

    Raises:
        WrongResultError: not so.
    """
    tried = [(point["penalty"], point["width"]) for point in ranked]
    if sorted(tried) != sorted(right):
        raise WrongResultError(f"The points that were tried are {sorted(tried)} instead of {sorted(right)}.")
    for point, place in zip(ranked, tried, strict=True):
        if abs(point["accuracy"] - right[place]) > _CLOSE:
            raise WrongResultError(
                f"Penalty {place[0]:g} and width {place[1]:g} score {point['accuracy']:.6f}; a grid search "
                f"finds {right[place]:.6f}."
            )
    for rank, (point, due) in enumerate(zip(ranked, sorted(ranked, key=_rank), strict=True), 1):
        if point != due:
            raise WrongResultError(f"Rank {rank} has {point}, and {due} goes before it.")


def _rank(point: Mapping[str, float]) -> tuple[float, float, float]:
    return -point["accuracy"], point["penalty"], point["width"]


def judge_report(report: Mapping[str, Any], right: Mapping[tuple[float, float], float]) -> None:
    """Whether the points are ranked right, and the best is the first of them.

    Raises:
        WrongResultError: not so.
    """
    judge_search(report["ranked"], right)
    if report["best"] != report["ranked"][0]:
        raise WrongResultError(
            f"The best is said to be {report['best']}, and rank 1 is {report['ranked'][0]}."
        )


def judge_model(model: Any, report: Mapping[str, Any], seed: int) -> None:
    """Whether the model is the best point's, trained on what the search has seen and on nothing else.

    Parameters:
        model: as it was published.
        report: `best`: the point; `held_out_accuracy`: how often the model is said to be right.
        seed: of the split.

    Raises:
        WrongResultError: it decides otherwise than one that is trained here, or is right more or less often
            than was said.
    """
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    best = report["best"]
    if (model.C, model.gamma) != (best["penalty"], best["width"]):
        raise WrongResultError(f"The model has penalty {model.C:g} and width {model.gamma:g}, not the best.")
    pictures, digits = load_digits(return_X_y=True)
    seen, unseen, known, asked = train_test_split(pictures, digits, stratify=digits, random_state=seed)
    if (trained_on := model.shape_fit_[0]) != len(seen):
        raise WrongResultError(
            f"The model was trained on {trained_on} pictures; the search may see {len(seen)}, and "
            f"{len(unseen)} are held out."
        )
    right = SVC(C=best["penalty"], gamma=best["width"]).fit(seen, known)
    off = np.abs(model.decision_function(pictures) - right.decision_function(pictures)).max()
    if not off <= _DECISIONS_CLOSE:
        raise WrongResultError(
            f"The model's decisions are up to {off:g} off from those of one that is trained on the "
            f"{len(seen)} pictures that the search may see: it has seen others."
        )
    hits = sum(int(said == digit) for said, digit in zip(model.predict(unseen), asked, strict=True))
    if abs(hits / len(asked) - report["held_out_accuracy"]) > _CLOSE:
        raise WrongResultError(
            f"The model knows {hits} of {len(asked)} held-out pictures, but "
            f"{report['held_out_accuracy']:.6f} of them is said."
        )


def _judge(outcome: Outcome) -> Shown:
    report = json.loads(outcome.blob(f"{_FOLDER}/report.json"))
    judge_report(report, search_serially(_GRID, _SEED))
    # A pickle can do anything: this one comes from the DAG that this process has just run.
    model = pickle.loads(outcome.blob(f"{_FOLDER}/model.pkl"))
    judge_model(model, report, _SEED)
    return Shown(
        "The grid, best first: scores are those of a serial grid search",
        ("penalty", "width", "accuracy"),
        [(f"{p['penalty']:g}", f"{p['width']:g}", f"{p['accuracy']:.4f}") for p in report["ranked"]],
        (
            f"The best, on pictures that the search has not seen: {report['held_out_accuracy']:.4f}",
            "It is the model that is trained here on the others.",
            f"Data: {CREDIT}",
        ),
    )


ENTRY = Entry("hyperparameter_sweep", _judge, seconds=500.0)
