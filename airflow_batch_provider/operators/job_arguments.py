"""What operators that run a job have in common with the operator of a job graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_batch_provider.task_arguments import TaskArguments

if TYPE_CHECKING:
    from airflow_batch_provider.client.requests.meaning import LayerName
    from airflow_batch_provider.spec.command import Command
    from airflow_batch_provider.spec.job import OnTaskFailure
    from airflow_batch_provider.spec.job_network import JobNetwork
    from airflow_batch_provider.spec.retry import OnRetry
    from airflow_batch_provider.spec.special_tasks import JobPreparation, JobRelease

__all__ = ["JobArguments"]


class JobArguments(TaskArguments, total=False):
    """Arguments of ``AzureBatchJobOperator``, but its pool, its graph and its container for work."""

    conn_id: str
    namespace: str
    priority: int
    max_wall_clock: timedelta
    on_task_failure: OnTaskFailure
    environment: Mapping[str, str] | None
    max_parallel_tasks: int | None
    metadata: Mapping[str, str] | None
    preparation: JobPreparation | Command | None
    release: JobRelease | Command | None
    max_task_retries: int | None
    allow_task_preemption: bool
    display_name: str | None
    network: JobNetwork | None
    timeout: timedelta | None
    start_timeout: timedelta | None
    deferrable: bool
    poll_interval: float
    log_tasks: bool | Sequence[str]
    no_retry_exit_codes: Collection[int]
    no_retry_layers: Collection[LayerName]
    on_retry: OnRetry
