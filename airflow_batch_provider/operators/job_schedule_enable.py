"""An operator that enables a job schedule."""

from __future__ import annotations

from airflow_batch_provider.operators.state_change import ScheduleChangeOperator


class AzureBatchJobScheduleEnableOperator(ScheduleChangeOperator):
    """Let a disabled job schedule make jobs again. An active one is a success.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "enable_schedule"
