"""A sensor for the state of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from airflow_batch_provider.arguments import Text, given, pool_text
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
        self._one_of("expect", expect, ("steady", "gone"))
        self.pool_id = pool_text(pool_id, f"task {self.task_id!r}")
        self.expect = expect
        self.may_be_missing = may_be_missing

    def condition(self) -> PoolCondition:
        """What is waited for."""
        from airflow_batch_provider.client.watching.conditions import PoolCondition

        return PoolCondition(given(self.pool_id, "pool_id", self.task_id), self.expect, self.may_be_missing)
