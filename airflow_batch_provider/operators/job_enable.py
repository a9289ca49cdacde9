"""An operator that enables a disabled job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_batch_provider.arguments import Text, text
from airflow_batch_provider.operators.state_change import (
    StateChangeArguments,
    StateChangeOperator,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AzureBatchJobEnableOperator(StateChangeOperator):
    """Let a disabled job go on. An active one is a success; one that has ended cannot be enabled.

    Parameters:
        job_id: the job.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "enable_job"

    def __init__(self, *, job_id: Text, **kwargs: Unpack[StateChangeArguments]) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.check_arguments()
