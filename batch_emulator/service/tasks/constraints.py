"""Limits of jobs and tasks. Source: *BatchJobConstraints* and *BatchTaskConstraints*."""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.assumptions import DEFAULT_RETENTION
from batch_emulator.service.entities import Json
from batch_emulator.service.spec_checks import duration_of, whole_number


def constraints(body: Json) -> Json:
    """Limits of a job, unlimited time and no retries by default."""
    return {
        "maxWallClockTime": duration_of(body, "maxWallClockTime", path="constraints.maxWallClockTime"),
        "maxTaskRetryCount": whole_number(
            body, "maxTaskRetryCount", 0, -1, path="constraints.maxTaskRetryCount"
        ),
    }


def task_constraints(body: Json, job_retries: int, retention: timedelta = DEFAULT_RETENTION) -> Json:
    """Limits of a task; its retries are the job's unless told otherwise."""
    return {
        "maxWallClockTime": duration_of(body, "maxWallClockTime", path="constraints.maxWallClockTime"),
        "retentionTime": duration_of(body, "retentionTime", retention, path="constraints.retentionTime"),
        "maxTaskRetryCount": whole_number(
            body, "maxTaskRetryCount", job_retries, -1, path="constraints.maxTaskRetryCount"
        ),
    }
