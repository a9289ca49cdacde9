"""An operator that deletes a job schedule."""

from __future__ import annotations

from airflow_batch_provider.operators.state_change import ScheduleChangeOperator


class AzureBatchJobScheduleDeleteOperator(ScheduleChangeOperator):
    """Delete a job schedule with all its jobs and their tasks. One that is gone is a success.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "delete_schedule"
