"""What a finished job tells Airflow's statistics."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider import metrics
from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.records import JobView, TaskView
from tests.airflow_batch_provider.conftest import Stats

TAGS = {"dag_id": "d", "task_id": "t", "pool_id": "p"}
JOB = JobView(
    "j", "completed", "AllTasksComplete", started="2026-01-01T12:00:00Z", ended_at="2026-01-01T12:01:30.5Z"
)
GOOD = Outcome(
    "j", JOB, 3, 3, first_start="2026-01-01T12:00:20.1234567Z", requeues=2,
    task_time=dt.timedelta(seconds=100), longest=("x", dt.timedelta(seconds=40)),
)  # fmt: skip
BAD = replace(
    GOOD, succeeded_tasks=1, failed=(TaskView("x", "completed", False, code="DiskFull"),), blocked=("y",)
)


def test_a_job_tells_its_times_and_its_tasks(stats: Stats) -> None:
    metrics.emit(GOOD, TAGS)
    assert stats.sent == [
        ("azure_batch.job_duration", 90.5, TAGS),
        ("azure_batch.queue_wait", 20.123456, TAGS),
        ("azure_batch.task_time", 100.0, TAGS),
        ("azure_batch.tasks", 3, {**TAGS, "outcome": "succeeded"}),
        ("azure_batch.requeues", 2, TAGS),
    ]


def test_a_failure_is_counted_by_its_layer(stats: Stats) -> None:
    metrics.emit(BAD, TAGS)
    assert ("azure_batch.failures", 1, {**TAGS, "layer": "platform"}) in stats.sent
    outcomes = {sent[2].get("outcome"): sent[1] for sent in stats.sent if sent[0] == "azure_batch.tasks"}
    assert outcomes == {"succeeded": 1, "failed": 1, "blocked": 1}


def test_a_part_of_a_job_that_others_share_does_not_tell_the_times_of_the_job(stats: Stats) -> None:
    metrics.emit(GOOD, TAGS, part=True)
    assert {sent[0] for sent in stats.sent} == {
        "azure_batch.task_time", "azure_batch.tasks", "azure_batch.requeues",
    }  # fmt: skip


def test_a_cause_that_no_task_shows_is_the_layer(stats: Stats) -> None:
    metrics.emit(Outcome("j", JOB, cause=Layer.WALL_CLOCK, unfinished=("x",)), TAGS, part=True)
    assert ("azure_batch.failures", 1, {**TAGS, "layer": "wall_clock"}) in stats.sent


def test_the_pool_is_that_of_the_job_where_none_is_named(stats: Stats) -> None:
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=7)
    for job in (replace(JOB, pool_id="theirs"), None):
        metrics.measure_for(ti, part=True)(replace(GOOD, job=job, requeues=0, longest=None))
    assert [sent[2]["pool_id"] for sent in stats.sent] == ["theirs", "unknown", "unknown"]
    assert "map_index" not in stats.sent[0][2]


def test_a_job_that_is_gone_has_no_times(stats: Stats) -> None:
    metrics.emit(Outcome("j", None), TAGS)
    assert [sent[0] for sent in stats.sent] == ["azure_batch.failures"]


def test_statistics_that_do_not_work_fail_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no such host")

    monkeypatch.setattr(metrics, "_stats", broken)
    metrics.emit(GOOD, TAGS)
