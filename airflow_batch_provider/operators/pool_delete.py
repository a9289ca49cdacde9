"""An operator that deletes a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text
from airflow_batch_provider.operators.pool_base import NamedPoolOperator, PoolArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_reading import WaitFor
    from airflow_batch_provider.client.pools.pool_watch import PoolWait


class AzureBatchPoolDeleteOperator(NamedPoolOperator):
    """Delete a pool, at once or as soon as it is idle, and wait until it is gone; gives its id as XCom.

    A pool that is gone already is as good. As a teardown it runs whatever became of the jobs between::

        pool >> job >> delete.as_teardown(setups=pool)

    Parameters:
        pool_id: the pool.
        when: ``now``: its running tasks go back to the queue, and wait for a pool of that id; ``idle``: as
            soon as no task runs on it and no active job has a task waiting for it. A job that is submitted
            between that look and the deletion waits for a pool of that id.
        wait: until it is gone.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    waits_before: ClassVar[WaitFor] = "idle"
    checks = kinds.extended(NamedPoolOperator.checks, when=kinds.one_of("now", "idle"))

    def __init__(
        self,
        *,
        pool_id: Text,
        when: Literal["now", "idle"] = "now",
        wait: bool = True,
        **kwargs: Unpack[PoolArguments],
    ) -> None:
        super().__init__(pool_id=pool_id, **kwargs)
        self.when = when
        self.wait = wait
        self.check_arguments()

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import delete_if

        return self._carry_out(delete_if(self.pool_id, idle=self.when == "idle"))

    def _awaited(self, deadline: float) -> PoolWait | None:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        return PoolWait(self.pool_id, "gone", 0, deadline) if self.wait else None
