"""An operator that ends a job schedule."""

from __future__ import annotations

from airflow_batch_provider.operators.state_change import ScheduleChangeOperator


class AzureBatchJobScheduleTerminateOperator(ScheduleChangeOperator):
    """End a job schedule and its running job. One that has ended or is gone is a success.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "terminate_schedule"
