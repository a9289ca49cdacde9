"""Operators that let a formula set a pool's size, and that stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import Text
from airflow_batch_provider.operators.pool_base import NamedPoolOperator, PoolArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_reading import WaitFor
    from airflow_batch_provider.client.pools.pool_watch import PoolWait


def _check_scale(value: object, name: str, where: str) -> None:
    if not isinstance(value, spec.AutoScale):
        raise spec.SpecError(
            f"{name} is {value!r}",
            where=where,
            right="It is AutoScale('...') or a named formula such as pending_tasks(10).",
        )


class AzureBatchPoolAutoScaleOperator(NamedPoolOperator):
    """Let a formula set a pool's size, or another formula than before; gives the pool's id as XCom.

    A resize that is under way is waited for first. A pool that goes by this formula already is left
    alone, unless the service has stopped evaluating it: then it is set anew.

    Parameters:
        pool_id: the pool.
        scale: a named formula such as ``pending_tasks(10)``, or ``AutoScale(...)``; its text is templated. It
            is checked when the DAG is parsed, if the formula language is installed (extra ``emulator``).
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    checks = kinds.extended(NamedPoolOperator.checks, scale=_check_scale)
    template_fields: Sequence[str] = ("pool_id", "conn_id", "scale")

    def __init__(self, *, pool_id: Text, scale: spec.AutoScale, **kwargs: Unpack[PoolArguments]) -> None:
        super().__init__(pool_id=pool_id, **kwargs)
        self.scale = scale
        self.check_arguments()

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import set_auto_scale

        return self._carry_out(set_auto_scale(self.pool_id, self.scale.to_wire()))


class AzureBatchPoolStopAutoScaleOperator(NamedPoolOperator):
    """Let a pool keep the size that a formula gave it, and wait until it is steady; gives its id as XCom.

    Parameters:
        pool_id: the pool.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    waits_before: ClassVar[WaitFor] = "gone"

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import stop_auto_scale

        self._carry_out(stop_auto_scale(self.pool_id))
        return True

    def _awaited(self, deadline: float) -> PoolWait:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        return PoolWait(self.pool_id, "settled", 0, deadline)
