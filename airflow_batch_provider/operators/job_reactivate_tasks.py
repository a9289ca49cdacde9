"""An operator that lets tasks of a job run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_TARGETS, CheckedArguments
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.task_arguments import TaskArguments


class AzureBatchJobReactivateTasksOperator(CheckedArguments, TypedOutput, BaseOperator):
    """Let tasks that failed run again in their job, which must not have ended.

    It does not wait for them. A task that runs, waits or has succeeded is left alone: trying again does no
    harm. A job of :class:`~airflow_batch_provider.operators.job.AzureBatchJobOperator` is repaired by a retry
    of that operator; this one is for jobs that live on, of whoever made them.

    Returns (XCom): ids of the tasks that run again.

    Parameters:
        job_id: the job.
        task_ids: the tasks; None: all that have failed.
        conn_id: id of the Airflow connection.

    Raises:
        BatchRequestError: the job has ended, or a task does not exist.
    """

    checks = kinds.extended(OF_TARGETS, task_ids=kinds.optional(kinds.some_of(kinds.word, jinja=True)))
    template_fields: Sequence[str] = ("job_id", "task_ids", "conn_id")
    ui_color = "#cfe8d8"

    def __init__(
        self,
        *,
        job_id: Text,
        task_ids: Sequence[str] | None = None,
        conn_id: str = AzureBatchHook.default_conn_name,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.task_ids = task_ids
        self.conn_id = conn_id
        self.check_arguments()

    @lasting
    def execute(self, context: Context) -> list[str]:
        """Ask for each task once more."""
        from airflow_batch_provider.client.jobs.named import named
        from airflow_batch_provider.client.jobs.reactivation import failed_tasks, reactivate
        from airflow_batch_provider.client.requests.drive import Driver, log_to

        given(self.job_id, "job_id", self.task_id)
        driver = Driver(AzureBatchHook(self.conn_id).batch_client(), log_to(self.log))
        with named(driver, f"Reactivating tasks of Batch job {self.job_id}", self.job_id):
            wanted = self.task_ids
            if wanted is None:
                wanted = driver.run(failed_tasks(self.job_id))
            again = driver.run(reactivate(self.job_id, wanted))
        self.log.info("%d task(s) of Batch job %s run again: %s", len(again), self.job_id, again[:20])
        return again
