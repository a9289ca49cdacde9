"""A sensor for one task of a Batch job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import TaskCondition


class AzureBatchTaskSensor(AzureBatchSensor, KeyedOutput):
    """Waits until a Batch task has started or ended.

    Returns (XCom): ``{"job_id", "task_id", "state", "exit_code"}``.

    Parameters:
        job_id: the job; templated.
        batch_task_id: the Batch task; templated.
        expect: ``success``: fail if it failed; ``end``: however it went; ``start``: until it runs, which also
            holds of a task that has ended already.
        may_be_missing: wait for a task, or a job, that does not exist yet, instead of failing.

    Further parameters: see :class:`~airflow_batch_provider.sensors.base.AzureBatchSensor`.
    """

    checks = kinds.extended(
        AzureBatchSensor.checks, expect=kinds.one_of("success", "end", "start"), batch_task_id=kinds.target
    )
    template_fields: Sequence[str] = ("job_id", "batch_task_id", "conn_id")

    def __init__(
        self,
        *,
        job_id: Text,
        batch_task_id: str,
        expect: Literal["success", "end", "start"] = "success",
        may_be_missing: bool = False,
        **kwargs: Unpack[BatchSensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.batch_task_id = batch_task_id
        self.expect = expect
        self.may_be_missing = may_be_missing
        self.check_arguments()

    def condition(self) -> TaskCondition:
        """What is waited for."""
        from airflow_batch_provider.client.watching.conditions import TaskCondition

        job_id = given(self.job_id, "job_id", self.task_id)
        batch_task_id = given(self.batch_task_id, "batch_task_id", self.task_id)
        return TaskCondition(job_id, batch_task_id, self.expect, self.may_be_missing)
