"""An operator that disables a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, text
from airflow_batch_provider.operators.state_change import (
    StateChangeArguments,
    StateChangeOperator,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AzureBatchJobDisableOperator(StateChangeOperator):
    """Let a job start no more tasks.

    One that is disabled or has ended is a success; an id of no job is an error.

    Parameters:
        job_id: the job.
        running_tasks: ``requeue``: stopped, and started anew when the job is enabled; ``terminate``: stopped
            for good; ``wait``: left to end by themselves, which is waited for.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "disable_job"
    checks = kinds.extended(
        StateChangeOperator.checks, running_tasks=kinds.one_of("requeue", "terminate", "wait")
    )

    def __init__(
        self,
        *,
        job_id: Text,
        running_tasks: Literal["requeue", "terminate", "wait"] = "requeue",
        **kwargs: Unpack[StateChangeArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.running_tasks = running_tasks
        self.check_arguments()

    def body(self) -> Mapping[str, Any]:
        """What becomes of running tasks."""
        return {"disableTasks": self.running_tasks}
