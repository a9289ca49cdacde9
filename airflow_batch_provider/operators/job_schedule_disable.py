"""An operator that disables a job schedule."""

from __future__ import annotations

from airflow_batch_provider.operators.state_change import ScheduleChangeOperator


class AzureBatchJobScheduleDisableOperator(ScheduleChangeOperator):
    """Let a job schedule make no new jobs; its running job goes on. One that has ended is a success.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "disable_schedule"
