from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.spec import JobGraph, SpecError
from airflow_batch_provider.spec.compile import compile_tasks


def train(rate: float, depth: int) -> dict[str, Any]:
    return {"command": ["train", str(rate), str(depth)], "keep_logs": False}


def commands(graph: JobGraph) -> dict[str, str]:
    return {wire["id"]: wire["commandLine"] for wire in compile_tasks(graph, None)}


def test_a_sweep_takes_every_value_with_every_other_the_last_axis_fastest() -> None:
    graph = JobGraph()
    tasks = graph.sweep("train", {"rate": [0.1, 0.2], "depth": range(3, 5)}, train)
    assert [task.id for task in tasks] == [f"train-{n:04}" for n in range(4)]
    assert list(commands(graph).values()) == [
        "train 0.1 3", "train 0.1 4", "train 0.2 3", "train 0.2 4",
    ]  # fmt: skip


def test_a_zip_pairs_values_and_a_key_names_the_tasks() -> None:
    graph = JobGraph()
    axes = {"rate": (0.1, 0.2), "depth": iter([3, 4])}
    graph.sweep("train", axes, train, pairing="zip", key=lambda rate, depth: f"d{depth}")
    assert commands(graph) == {"train-d3": "train 0.1 3", "train-d4": "train 0.2 4"}


@pytest.mark.parametrize(
    ("axes", "pairing", "told"),
    [
        ({}, "product", "Map parameters to values"),
        ({"rate": []}, "product", "axis 'rate' has no values"),
        ({"rate": "0.1"}, "product", r"Give a list of values: \['0.1'\]"),
        ({"rate": 0.1}, "product", r"Give a list of values: \[0.1\]"),
        ({"rate": [1, 2], "depth": [1]}, "zip", "rate has 2, depth has 1"),
        ({"rate": [1]}, "products", "Did you mean 'product'"),
    ],
)
def test_a_sweep_that_has_no_points_is_refused(axes: Any, pairing: Any, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        JobGraph().sweep("train", axes, train, pairing=pairing)


def test_what_is_built_must_be_a_task() -> None:
    with pytest.raises(SpecError, match="build returned None for"):
        JobGraph().sweep("train", {"rate": [1]}, lambda rate: None)  # type: ignore[arg-type,return-value]
