"""An operator that gives a pool another number of nodes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import Text
from airflow_batch_provider.operators.pool_base import DEALLOCATION, NamedPoolOperator, PoolArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_watch import PoolWait
    from airflow_batch_provider.spec.checks import Count


class AzureBatchPoolResizeOperator(NamedPoolOperator):
    """Give a pool a fixed number of nodes, and wait for them; gives its id as XCom.

    Another resize that is under way is waited for first. A pool that has the wanted size is left alone.

    Parameters:
        pool_id: the pool.
        dedicated, spot: the wanted nodes; templated. At least one of them is given; the other is 0 then.
        resize_timeout: how long the service tries to allocate them, at least 5 minutes.
        deallocation: what becomes of the tasks of nodes that leave: ``taskcompletion`` lets them end;
            ``requeue`` runs them again elsewhere; ``terminate`` ends them for good.
        wait_for: ``steady``: until the resize has ended, which fails when it falls short; ``nodes``: until
            ``min_ready_nodes`` take tasks; None: not at all.
        min_ready_nodes: for ``nodes``; None: all that are wanted.
        check_limits: before nodes are added, compare them with the account's quotas and what other pools use
            of them, where the management plane tells them. More than the whole quota fails at once and
            without retries; nodes that have no room at present fail at once, and retries ask again.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    checks = kinds.extended(
        NamedPoolOperator.checks,
        deallocation=kinds.one_of(*DEALLOCATION),
        wait_for=kinds.one_of("steady", "nodes", None),
    )
    template_fields: Sequence[str] = ("pool_id", "conn_id", "dedicated", "spot")

    def __init__(
        self,
        *,
        pool_id: Text,
        dedicated: Count | None = None,
        spot: Count | None = None,
        resize_timeout: dt.timedelta = dt.timedelta(minutes=15),
        deallocation: Literal["requeue", "taskcompletion", "terminate"] = "taskcompletion",
        wait_for: Literal["steady", "nodes"] | None = "steady",
        min_ready_nodes: int | None = None,
        check_limits: bool = True,
        **kwargs: Unpack[PoolArguments],
    ) -> None:
        super().__init__(pool_id=pool_id, **kwargs)
        where = f"task {self.task_id!r}"
        if dedicated is None and spot is None:
            raise spec.SpecError(
                "no size is given",
                where=where,
                right="Give dedicated= or spot=; for no nodes write dedicated=0.",
            )
        self.dedicated = 0 if dedicated is None else dedicated
        self.spot = 0 if spot is None else spot
        self.resize_timeout = resize_timeout
        self.deallocation = deallocation
        self.wait_for = wait_for
        self.min_ready_nodes = min_ready_nodes
        self.check_limits = check_limits
        self.check_arguments()
        scale = self._scale()
        if wait_for == "nodes":
            scale.check_ready(min_ready_nodes, where)

    def _scale(self) -> spec.FixedScale:
        return spec.FixedScale(self.dedicated, self.spot, self.resize_timeout)

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import resize_pool

        wire = {**self._scale().to_wire(), "nodeDeallocationOption": self.deallocation}
        if self.check_limits and not again:
            needed = self._needed() if self.wait_for else 0
            self._carry_out(self._limits.resize(self.pool_id, wire, needed))
        return self._carry_out(resize_pool(self.pool_id, wire))

    def _awaited(self, deadline: float) -> PoolWait | None:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        if self.wait_for is None:
            return None
        return PoolWait(self.pool_id, self.wait_for, self._needed(), deadline)

    def _needed(self) -> int:
        if self.wait_for == "steady" or self.min_ready_nodes is None:
            return self._scale().nodes
        return self.min_ready_nodes
