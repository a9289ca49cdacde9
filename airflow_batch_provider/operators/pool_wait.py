"""An operator that waits for a pool, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text
from airflow_batch_provider.operators.pool_base import NamedPoolOperator, PoolArguments
from airflow_batch_provider.spec.checks import check_count
from airflow_batch_provider.spec.scale import MAX_NODES

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_reading import WaitFor
    from airflow_batch_provider.client.pools.pool_watch import PoolWait
    from airflow_batch_provider.spec.checks import Count


def _check_nodes(value: object, name: str, where: str) -> Count:
    return check_count(value, 0, MAX_NODES, where=f"{name} of {where}")


class AzureBatchPoolWaitOperator(NamedPoolOperator):
    """Wait until a pool is ready, whoever made it; gives its id as XCom.

    Never for all nodes to be idle: nodes that run tasks of another job are not, and Batch starts tasks on
    each node as it comes.

    Parameters:
        pool_id: the pool.
        wait_for: ``nodes``: until ``min_ready_nodes`` take tasks; ``steady``: until allocation has ended,
            which fails when it falls short; ``idle``: until it has no task to run.
        min_ready_nodes: idle or running nodes that are waited for; templated. 0: only whether it is there.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    template_fields: Sequence[str] = ("pool_id", "conn_id", "min_ready_nodes")
    waits_before: ClassVar[WaitFor] = "gone"
    checks = kinds.extended(
        NamedPoolOperator.checks,
        wait_for=kinds.one_of("nodes", "steady", "idle"),
        min_ready_nodes=_check_nodes,
    )

    def __init__(
        self,
        *,
        pool_id: Text,
        wait_for: Literal["nodes", "steady", "idle"] = "nodes",
        min_ready_nodes: Count = 1,
        **kwargs: Unpack[PoolArguments],
    ) -> None:
        super().__init__(pool_id=pool_id, **kwargs)
        self.wait_for = wait_for
        self.min_ready_nodes = min_ready_nodes
        self.check_arguments()

    def _nodes(self) -> int:
        return int(_check_nodes(self.min_ready_nodes, "min_ready_nodes", f"task {self.task_id!r}"))

    def _act(self, again: bool) -> bool:
        """A pool that is not there is told at once, and as such."""
        from airflow_batch_provider.client.pools.pool_requests import get_pool

        self._carry_out(get_pool(self.pool_id))
        return True

    def _awaited(self, deadline: float) -> PoolWait:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        return PoolWait(self.pool_id, self.wait_for, self._nodes(), deadline)
