"""Pools of a real emulator with real storage, for jobs that really run."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.job_files import JobFiles
from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.spec import AutoPool, JobGraph, JobOptions
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.retry import OnRetry


@dataclass
class Jobs:
    """Makes runs of jobs, each as if by an Airflow task instance."""

    batch: Any
    storage: StorageAccess | None
    lines: list[str]

    def run(
        self,
        graph: JobGraph,
        pool_id: str | AutoPool,
        run_id: str | None = None,
        sleep: Callable[[float], None] = lambda seconds: time.sleep(min(seconds, 0.1)),
        on_retry: OnRetry = "repair",
        attempt: int = 1,
        submission: int = 1,
        **options: Any,
    ) -> JobRun:
        identity = JobIdentity("tests", run_id or uuid.uuid4().hex, "job", submission=submission)
        graph.validate()
        plan = JobPlan(
            identity, JobOptions(pool_id, **options), graph, lambda text: text,
            on_retry=on_retry, attempt=attempt,
        )  # fmt: skip
        files = JobFiles(self.storage, "batch-work") if self.storage else None
        return JobRun(plan, self.batch, files, self._log(), sleep=sleep)

    def _log(self) -> logging.Logger:
        logger = logging.Logger("job")
        logger.addHandler(_Lines(self.lines))
        return logger


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def jobs(batch: BatchClient, storage: StorageAccess) -> Jobs:
    """Jobs on the emulator; ``lines`` are what their Airflow log would show."""
    return Jobs(batch, storage, [])
