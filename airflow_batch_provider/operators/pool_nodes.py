"""Operators on single nodes of a pool: remove, reboot, reimage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import Text
from airflow_batch_provider.operators.pool_base import DEALLOCATION, NamedPoolOperator, PoolArguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.pools.pool_reading import WaitFor
    from airflow_batch_provider.client.pools.pool_requests import NodeAction
    from airflow_batch_provider.client.pools.pool_watch import PoolWait

TasksThere: TypeAlias = Literal["requeue", "taskcompletion", "terminate"]

NodeState: TypeAlias = Literal[
    "idle", "offline", "preempted", "running", "starttaskfailed", "unknown", "unusable"
]


class _NodesOperator(NamedPoolOperator):
    """What the three share: which nodes.

    Parameters:
        pool_id: the pool.
        node_ids: the nodes; templated, and may be the output of another task.
        states: all nodes in one of these states, such as ``["starttaskfailed", "unusable"]``.
        tasks: what becomes of the tasks there: ``requeue`` runs them again elsewhere, ``taskcompletion``
            waits for them, ``terminate`` ends them for good.
    """

    checks = kinds.extended(
        NamedPoolOperator.checks,
        node_ids=kinds.some_of(kinds.word, jinja=True),
        states=kinds.some_of(kinds.one_of(*get_args(NodeState))),
        tasks=kinds.one_of(*DEALLOCATION),
    )
    template_fields: Sequence[str] = ("pool_id", "conn_id", "node_ids")

    def __init__(
        self,
        *,
        pool_id: Text,
        node_ids: Sequence[str] = (),
        states: Sequence[NodeState] = (),
        tasks: TasksThere = "requeue",
        **kwargs: Unpack[PoolArguments],
    ) -> None:
        super().__init__(pool_id=pool_id, **kwargs)
        self.node_ids = node_ids
        self.states = states
        self.tasks = tasks
        self.check_arguments()
        if not states and isinstance(node_ids, Sequence) and not node_ids:
            raise spec.SpecError(
                "no nodes are named",
                where=f"task {self.task_id!r}",
                right="Give node_ids=[...] or states=['unusable'].",
            )

    def _ids(self) -> frozenset[str]:
        if isinstance(self.node_ids, str):
            raise spec.SpecError(
                f"node_ids is the text {self.node_ids!r}",
                where=f"task {self.task_id!r}",
                right="Give a list; the output of another task, or render_template_as_native_obj=True.",
            )
        return frozenset(self.node_ids)


class AzureBatchPoolRemoveNodesOperator(_NodesOperator):
    """Remove nodes from a pool, and wait until they are gone; gives the pool's id as XCom.

    The pool's target falls by as many. Any number of nodes: the service takes 100 at once, and the next ones
    are asked for when the pool has settled.

    Parameters:
        pool_id: the pool.
        node_ids: the nodes; templated, and may be the output of another task.
        states: all nodes in one of these states, such as ``["starttaskfailed", "unusable"]``.
        tasks: what becomes of the tasks there: ``requeue`` runs them again elsewhere, ``taskcompletion``
            waits for them, ``terminate`` ends them for good.
        conn_id, wait_timeout, deferrable: the Airflow connection; the longest wait; whether it is in the
            triggerer.
    """

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import remove_some

        return self._carry_out(remove_some(self.pool_id, self._ids(), self.states, self.tasks, again=again))


class _StartAgainOperator(_NodesOperator):
    """What rebooting and reimaging share."""

    waits_before: ClassVar[WaitFor] = "gone"
    action: ClassVar[NodeAction]
    _boots: Mapping[str, str | None] = {}
    """Nodes that were asked -> when each had booted last."""

    def _act(self, again: bool) -> bool:
        from airflow_batch_provider.client.pools.pool_actions import choose_nodes, none_of
        from airflow_batch_provider.client.pools.pool_requests import list_nodes, start_again

        nodes = self._carry_out(choose_nodes(self.pool_id, self._ids(), self.states))
        if self._ids() and not nodes:
            raise none_of(self.pool_id, self._ids(), self._carry_out(list_nodes(self.pool_id)))
        if missing := self._ids() - {node.id for node in nodes}:
            self.log.warning("Not in pool %s: %s", self.pool_id, ", ".join(sorted(missing)))
        self._boots = self._carry_out(start_again(self.pool_id, nodes, self.action, self.tasks))
        self.log.info("%s node(s) of pool %s: %s", len(nodes), self.pool_id, self.action)
        return True

    def _awaited(self, deadline: float) -> PoolWait:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        return PoolWait(self.pool_id, "restarted", 0, deadline, self._boots)


class AzureBatchPoolRebootNodesOperator(_StartAgainOperator):
    """Reboot nodes, and wait until they take tasks again; gives the pool's id as XCom.

    What a pool's patched start task or packages need to reach nodes that are there already. A worker that
    dies between asking and waiting asks again, and nodes that came back by then reboot once more. Of named
    nodes some may be gone from the pool, which the log tells; it is an error if all are.

    Parameters:
        pool_id, node_ids, states, tasks, conn_id, wait_timeout, deferrable: as for
            :class:`AzureBatchPoolRemoveNodesOperator`.
    """

    action = "reboot"


class AzureBatchPoolReimageNodesOperator(_StartAgainOperator):
    """Give nodes a fresh disk, and wait until they take tasks again; gives the pool's id as XCom.

    Files on them are lost; the start task and the job preparation tasks run again. Of named nodes some may be
    gone from the pool, which the log tells; it is an error if all are.

    Parameters:
        pool_id, node_ids, states, tasks, conn_id, wait_timeout, deferrable: as for
            :class:`AzureBatchPoolRemoveNodesOperator`.
    """

    action = "reimage"
