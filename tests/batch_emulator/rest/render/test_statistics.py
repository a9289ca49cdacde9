"""``stats`` on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from batch_emulator.rest.render.statistics import render_job_statistics, render_task_statistics
from batch_emulator.service.statistics import Statistics

SINCE = datetime(2026, 3, 2, 8, tzinfo=timezone.utc)
FIGURES = Statistics(1_500_000, 20, 90_000_000, 4097, 2**30, 5, 2, 3)
COMMON = {
    "startTime": "2026-03-02T08:00:00Z",
    "lastUpdateTime": "2026-03-02T09:00:00Z",
    "userCPUTime": "PT1.5S",
    "kernelCPUTime": "PT0.00002S",
    "wallClockTime": "PT1M30S",
    "readIOps": "2",
    "writeIOps": "262144",
    "readIOGiB": 4097 / 2**30,
    "writeIOGiB": 1.0,
}


def test_those_of_a_job() -> None:
    assert render_job_statistics(FIGURES, SINCE, SINCE + timedelta(hours=1), "http://h/jobs/j") == {
        **COMMON,
        "url": "http://h/jobs/j/stats",
        "numSucceededTasks": "5",
        "numFailedTasks": "2",
        "numTaskRetries": "3",
        "waitTime": "PT0S",
    }


def test_those_of_a_task() -> None:
    waited = timedelta(seconds=4)
    assert render_task_statistics(FIGURES, waited, SINCE, SINCE + timedelta(hours=1), "http://h/t") == {
        **COMMON,
        "url": "http://h/t/stats",
        "waitTime": "PT4S",
    }
