"""Tasks that a pool can never run: the service takes them, and lets them wait for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow_batch_provider.spec.graph import JobGraph
    from airflow_batch_provider.spec.task import TaskSpec


@dataclass(frozen=True)
class PoolFit:
    """What decides whether a pool can ever run a task.

    Parameters:
        where: how errors name the pool.
        slots: task slots of a node; None: not known yet.
        inter_node_communication: whether its nodes may talk to each other.
        nodes: how many there will ever be; None: somebody or a formula may resize it.
    """

    where: str
    slots: int | None
    inter_node_communication: bool
    nodes: int | None = None

    def check(self, graph: JobGraph) -> None:
        """Refuse a graph of which a task would wait for ever.

        Raises:
            SpecError: names the first.
        """
        for spec in graph.specs:
            for wrong, what, right in (*self._of_slots(spec), *self._of_several_nodes(spec)):
                if wrong:
                    raise SpecError(what, where=spec.where, right=f"It would wait for ever. {right}")

    def _of_slots(self, spec: TaskSpec) -> tuple[tuple[bool, str, str], ...]:
        return (
            (
                self.slots is not None and spec.required_slots > self.slots,
                f"it needs {spec.required_slots} slots, and a node of {self.where} has {self.slots}",
                "Lower required_slots, or use a pool with more task_slots.",
            ),
        )

    def _of_several_nodes(self, spec: TaskSpec) -> tuple[tuple[bool, str, str], ...]:
        if (several := spec.multi_instance) is None:
            return ()
        return (
            (
                not self.inter_node_communication,
                f"it is a multi-instance task, and nodes of {self.where} may not talk to each other",
                "Use a pool with inter_node_communication=True.",
            ),
            (
                self.slots is not None and self.slots > 1,
                f"it is a multi-instance task, and a node of {self.where} has {self.slots} slots",
                "Use a pool with task_slots=1.",
            ),
            (
                self.nodes is not None and self.nodes < several.nodes,
                f"it is a multi-instance task of {several.nodes} nodes, and {self.where} has {self.nodes}",
                f"Use a pool of {several.nodes} nodes or more, or lower nodes of multi_instance.",
            ),
        )
