"""The pools that the tests of jobs have."""

from __future__ import annotations

from tests.airflow_batch_provider.jobs.conftest import jobs

__all__ = ["jobs"]
