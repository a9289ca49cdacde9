"""A sensor for the number of a pool's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments
from airflow_batch_provider.spec.checks import check_choice
from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import NodeCountCondition

# Azure Batch REST reference: BatchNodeState.
NodeState: TypeAlias = Literal[
    "creating",
    "deallocated",
    "deallocating",
    "idle",
    "leavingpool",
    "offline",
    "preempted",
    "rebooting",
    "reimaging",
    "running",
    "starting",
    "starttaskfailed",
    "unknown",
    "unusable",
    "upgradingos",
    "waitingforstarttask",
]
NODE_STATES = get_args(NodeState)


def _check_states(value: object, name: str, where: str) -> None:
    kinds.some_of(_check_state)(value, name, where)
    if not value:
        raise SpecError(f"{name} is {value!r}", where=where, right="Give a list: ['idle', 'running'].")


def _check_state(value: object, name: str, where: str) -> None:
    check_choice(value.lower() if isinstance(value, str) else value, NODE_STATES, what=name, where=where)


class AzureBatchNodeCountSensor(AzureBatchSensor):
    """Waits until a pool has so many nodes that take tasks, or so few nodes of some states.

    Never waits for all nodes to be idle, unless asked to. When the nodes waited for cannot come (quota, start
    task, a target below), the sensor fails with the cause. Returns (XCom): the count.

    Parameters:
        pool_id: the pool; templated.
        at_least, at_most: how many; ``at_least=0, at_most=0`` waits for an empty pool.
        states: which nodes count, in the service's words, such as ``["idle"]``; see ``NODE_STATES``.
        may_be_missing: wait for a pool that does not exist yet, instead of failing.

    Further parameters: see :class:`~airflow_batch_provider.sensors.base.AzureBatchSensor`.
    """

    checks = kinds.extended(
        AzureBatchSensor.checks,
        at_least=kinds.at_least(0),
        at_most=kinds.optional(kinds.at_least(0)),
        states=_check_states,
    )
    template_fields: Sequence[str] = ("pool_id", "conn_id")

    def __init__(
        self,
        *,
        pool_id: Text,
        at_least: int = 1,
        at_most: int | None = None,
        states: Sequence[NodeState] = ("idle", "running"),
        may_be_missing: bool = False,
        **kwargs: Unpack[BatchSensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.pool_id = text(pool_id)
        self.at_least = at_least
        self.at_most = at_most
        self.states = states
        self.may_be_missing = may_be_missing
        self.check_arguments()
        if at_most is not None and at_most < at_least:
            raise SpecError(
                f"at_most is {at_most}, below at_least, which is {at_least}",
                where=f"task {self.task_id!r}",
                right="For an empty pool say at_least=0, at_most=0.",
            )

    def condition(self) -> NodeCountCondition:
        """What is waited for."""
        from airflow_batch_provider.client.watching.conditions import NodeCountCondition

        states = tuple(state.lower() for state in self.states)
        pool_id = given(self.pool_id, "pool_id", self.task_id)
        return NodeCountCondition(pool_id, self.at_least, self.at_most, states, self.may_be_missing)
