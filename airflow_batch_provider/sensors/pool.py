"""A sensor for the state of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import PoolCondition


class AzureBatchPoolSensor(AzureBatchSensor):
    """Waits until a pool has ended its allocation, or is gone.

    A pool that cannot be allocated fails the sensor with the cause: quota, capacity, a broken start task.
    Returns (XCom): the pool's id.

    Parameters:
        pool_id: the pool; templated.
        expect: ``steady`` or ``gone``.
        may_be_missing: wait for a pool that does not exist yet, instead of failing.

    Further parameters: see :class:`~airflow_batch_provider.sensors.base.AzureBatchSensor`.
    """

    checks = kinds.extended(AzureBatchSensor.checks, expect=kinds.one_of("steady", "gone"))
    template_fields: Sequence[str] = ("pool_id", "conn_id")

    def __init__(
        self,
        *,
        pool_id: Text,
        expect: Literal["steady", "gone"] = "steady",
        may_be_missing: bool = False,
        **kwargs: Unpack[BatchSensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.pool_id = text(pool_id)
        self.expect = expect
        self.may_be_missing = may_be_missing
        self.check_arguments()

    def condition(self) -> PoolCondition:
        """What is waited for."""
        from airflow_batch_provider.client.watching.conditions import PoolCondition

        return PoolCondition(given(self.pool_id, "pool_id", self.task_id), self.expect, self.may_be_missing)
