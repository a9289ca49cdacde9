"""Metrics, lineage and links of every operator that runs Batch tasks, as a real Airflow sends them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.airflow_batch_provider.conftest import Told

pytestmark = pytest.mark.slow

FAILED = {"tasks failed": (1, 1.0), "failures command": (1, 1.0)}


def counts(told: Told, dag_id: str, task_id: str) -> dict[str, tuple[int, float]]:
    found = told.metrics.of(dag_id, task_id)
    return {
        name: value for name, value in found.items() if name.startswith(("tasks", "failures", "requeues"))
    }


def times(told: Told, dag_id: str, task_id: str) -> dict[str, int]:
    """How often each time was told."""
    found = told.metrics.of(dag_id, task_id)
    return {name: value[0] for name, value in found.items() if name not in counts(told, dag_id, task_id)}


@pytest.mark.parametrize("task_id", ["job", "g.member", "add", "official"])
def test_what_went_well_is_counted_once(told: Told, task_id: str, pool: str) -> None:
    assert counts(told, "telling", task_id) == {"tasks succeeded": (1, 1.0)}, told.output[-8000:]
    assert told.metrics.pools("telling", task_id) == {pool}


@pytest.mark.parametrize("task_id", ["bad_job", "g.bad_member", "bad_add", "bad_official"])
def test_what_failed_is_counted_once_with_its_layer(told: Told, task_id: str, pool: str) -> None:
    assert told.dags["telling"]["states"][task_id] == "failed"
    assert counts(told, "telling", task_id) == FAILED
    assert told.metrics.pools("telling", task_id) == {pool}


def test_each_instance_of_a_mapped_function_is_counted(told: Told, pool: str) -> None:
    assert counts(told, "telling", "counted") == {"tasks succeeded": (1, 2.0), **FAILED}
    assert counts(told, "expanded", "square") == {"tasks succeeded": (1, 5.0)}
    assert counts(told, "expanded", "join") == {"tasks succeeded": (1, 1.0)}
    assert told.metrics.pools("expanded", "square") == {pool}
    assert told.metrics.pools("expanded", "join") == {"join"}  # what its auto pool is known by


def test_each_try_is_counted(told: Told) -> None:
    for dag_id, task_id in (("functions", "retried"), ("trained", "train.last")):
        assert counts(told, dag_id, task_id) == {"tasks succeeded": (1, 1.0), **FAILED}


def test_only_a_whole_job_tells_the_times_of_a_job(told: Told) -> None:
    assert times(told, "telling", "job") == {"job_duration": 1, "queue_wait": 1, "task_time": 1}
    for task_id in ("g.member", "add", "official"):
        assert times(told, "telling", task_id) == {"task_time": 1}
    assert times(told, "expanded", "square") == {"task_time": 5}


def ends(told: Told, task_id: str) -> list[dict[str, Any]]:
    """The last event of each instance."""
    events = [event for event in told.lineage if event["job"]["name"] == f"telling.{task_id}"]
    return [event for event in events if event["eventType"] != "START"]


@pytest.mark.parametrize("name", ["job", "bad_job", "g.member", "g.bad_member", "add", "bad_add"])
def test_lineage_tells_what_was_read_and_written(told: Told, name: str) -> None:
    kind = "FAIL" if "bad_" in name else "COMPLETE"
    (event,) = ends(told, name)
    assert event["eventType"] == kind
    place = "wasbs://listed@devstoreaccount1"
    assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [(place, "listed/two.txt")]
    written = f"telling/{name.removeprefix('g.')}.txt"
    assert [(each["namespace"], each["name"]) for each in event["outputs"]] == [(place, written)]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("counted", ["COMPLETE", "COMPLETE", "FAIL"]),
        ("official", ["COMPLETE"]),
        ("bad_official", ["FAIL"]),
    ],
)
def test_lineage_tells_declared_inputs_and_neither_payloads_nor_results(
    told: Told, name: str, kinds: list[str]
) -> None:
    events = ends(told, name)
    assert sorted(event["eventType"] for event in events) == kinds
    for event in events:
        assert [each["name"] for each in event["inputs"]] == ["listed/two.txt"]
        assert event["outputs"] == []


def test_no_secret_is_in_the_lineage(told: Told) -> None:
    assert "sig=" not in str(told.lineage)


def test_added_tasks_link_to_their_job(told: Told) -> None:
    links = told.dags["telling"]["links"]
    for task_id in ("add", "bad_add"):
        assert links[task_id][0].endswith("#of-others")
