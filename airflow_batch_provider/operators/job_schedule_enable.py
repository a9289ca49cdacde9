"""An operator that enables a job schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_batch_provider.arguments import Text, check_target, text
from airflow_batch_provider.operators.state_change import (
    StateChangeArguments,
    StateChangeOperator,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AzureBatchJobScheduleEnableOperator(StateChangeOperator):
    """Let a disabled job schedule make jobs again. An active one is a success.

    Parameters:
        schedule_id: the job schedule.
        conn_id, wait, timeout, deferrable: see :class:`StateChangeOperator`.
    """

    change = "enable_schedule"
    target_field = "schedule_id"

    template_fields: Sequence[str] = ("schedule_id", "conn_id")

    def __init__(self, *, schedule_id: Text, **kwargs: Unpack[StateChangeArguments]) -> None:
        super().__init__(**kwargs)
        check_target(schedule_id, "schedule_id", self.task_id)
        self.schedule_id = text(schedule_id)
