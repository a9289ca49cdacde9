"""The pools that the tests of jobs have."""

from __future__ import annotations

from tests.airflow_batch_provider.jobs.conftest import batch, empty_pool, jobs, pool, storage

__all__ = ["batch", "empty_pool", "jobs", "pool", "storage"]
