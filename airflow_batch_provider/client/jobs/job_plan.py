"""What is to be submitted as one job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.retry import OnRetry


@dataclass(frozen=True)
class JobPlan:
    """What is to be submitted, all of it fixed before the first call.

    Parameters:
        identity: the Airflow task instance.
        options: of the job.
        graph: its tasks, validated and rendered.
        render: applied to the texts of tasks that are added later, which hold what a task has told.
        no_retry_exit_codes: a task that fails for good with one of these is not worth another try.
        no_retry_layers: a job whose first failure lies in one of these is not either.
        on_retry: what is done about the jobs of earlier tries.
        attempt: number of the try.
        stays_open: the job does not end by itself when its tasks are complete; whoever plans so ends it.
    """

    identity: JobIdentity
    options: JobOptions
    graph: JobGraph
    render: Callable[[str], str]
    no_retry_exit_codes: frozenset[int] = frozenset()
    no_retry_layers: frozenset[str] = frozenset()
    on_retry: OnRetry = "repair"
    attempt: int = 1
    stays_open: bool = False
