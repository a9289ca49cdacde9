"""An operator that ends a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, text
from airflow_batch_provider.operators.state_change import (
    StateChangeArguments,
    StateChangeOperator,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AzureBatchJobTerminateOperator(StateChangeOperator):
    """End a job: its running tasks are stopped, and release tasks run.

    A job that has ended or is gone is a success.

    Parameters:
        job_id: the job.
        reason: shown as the job's terminate reason. Templated.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "terminate_job"
    checks = kinds.extended(StateChangeOperator.checks, reason=kinds.word)

    template_fields: Sequence[str] = ("job_id", "reason", "conn_id")

    def __init__(
        self, *, job_id: Text, reason: str = "AirflowTerminate", **kwargs: Unpack[StateChangeArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.reason = reason
        self.check_arguments()

    def body(self) -> Mapping[str, Any]:
        """The terminate reason."""
        return {"terminateReason": self.reason}
