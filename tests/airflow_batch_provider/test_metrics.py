"""What a finished job tells Airflow's statistics."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from airflow_batch_provider import metrics
from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.requests.records import JobView, TaskView

TAGS = {"dag_id": "d", "task_id": "t", "pool_id": "p"}
JOB = JobView(
    "j", "completed", "AllTasksComplete", started="2026-01-01T12:00:00Z", ended_at="2026-01-01T12:01:30.5Z"
)
GOOD = Outcome("j", JOB, 3, 3, first_start="2026-01-01T12:00:20.1234567Z", requeues=2)
BAD = replace(
    GOOD, succeeded_tasks=1, failed=(TaskView("x", "completed", False, code="DiskFull"),), blocked=("y",)
)


class Stats:
    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def timing(self, name: str, value: dt.timedelta, *, tags: dict[str, str]) -> None:
        self.sent.append((name, value.total_seconds(), tags))

    def incr(self, name: str, count: int = 1, *, tags: dict[str, str]) -> None:
        self.sent.append((name, count, tags))


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> Stats:
    found = Stats()
    monkeypatch.setattr(metrics, "_stats", lambda: found)
    return found


def test_a_job_tells_its_times_and_its_tasks(stats: Stats) -> None:
    metrics.emit(GOOD, TAGS)
    assert stats.sent == [
        ("azure_batch.job_duration", 90.5, TAGS),
        ("azure_batch.queue_wait", 20.123456, TAGS),
        ("azure_batch.tasks", 3, {**TAGS, "outcome": "succeeded"}),
        ("azure_batch.requeues", 2, TAGS),
    ]


def test_a_failure_is_counted_by_its_layer(stats: Stats) -> None:
    metrics.emit(BAD, TAGS)
    assert ("azure_batch.failures", 1, {**TAGS, "layer": "platform"}) in stats.sent
    outcomes = {sent[2].get("outcome"): sent[1] for sent in stats.sent if sent[0] == "azure_batch.tasks"}
    assert outcomes == {"succeeded": 1, "failed": 1, "blocked": 1}


def test_a_job_that_is_gone_has_no_times(stats: Stats) -> None:
    metrics.emit(Outcome("j", None), TAGS)
    assert [sent[0] for sent in stats.sent] == ["azure_batch.failures"]


def test_statistics_that_do_not_work_fail_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no such host")

    monkeypatch.setattr(metrics, "_stats", broken)
    metrics.emit(GOOD, TAGS)
