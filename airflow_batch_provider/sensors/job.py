"""A sensor for the end of a Batch job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import JobCondition


class AzureBatchJobSensor(AzureBatchSensor, KeyedOutput):
    """Waits until a Batch job has ended, whoever submitted it.

    Returns (XCom): ``{"job_id", "reason", "tasks": {"total", "succeeded", "failed"}}``.

    Parameters:
        job_id: the job; templated.
        expect: ``success``: fail if a task of it failed or never ran; ``end``: however it went.
        may_be_missing: wait for a job that does not exist yet, instead of failing.

    Further parameters: see :class:`~airflow_batch_provider.sensors.base.AzureBatchSensor`.
    """

    checks = kinds.extended(AzureBatchSensor.checks, expect=kinds.one_of("success", "end"))
    template_fields: Sequence[str] = ("job_id", "conn_id")

    def __init__(
        self,
        *,
        job_id: Text,
        expect: Literal["success", "end"] = "success",
        may_be_missing: bool = False,
        **kwargs: Unpack[BatchSensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.expect = expect
        self.may_be_missing = may_be_missing
        self.check_arguments()

    def condition(self) -> JobCondition:
        """What is waited for."""
        from airflow_batch_provider.client.watching.conditions import JobCondition

        return JobCondition(given(self.job_id, "job_id", self.task_id), self.expect, self.may_be_missing)
