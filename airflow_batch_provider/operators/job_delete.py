"""An operator that deletes a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_batch_provider.arguments import Text, text
from airflow_batch_provider.operators.state_change import (
    StateChangeArguments,
    StateChangeOperator,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AzureBatchJobDeleteOperator(StateChangeOperator):
    """Delete a job with its tasks and their files on the nodes. A job that is gone is a success.

    Parameters:
        job_id: the job.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "delete_job"

    def __init__(self, *, job_id: Text, **kwargs: Unpack[StateChangeArguments]) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.check_arguments()
