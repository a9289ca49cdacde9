"""From what is drawn in Airflow to the graph that Batch runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.handles import Task
from airflow_batch_provider.spec.written_graph import check_written_graph

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_batch_provider.task_groups.member import AzureBatchMemberOperator


def drawn_graph(
    declared: JobGraph, members: Mapping[str, AzureBatchMemberOperator], launcher: BaseOperator, where: str
) -> JobGraph:
    """The graph of a group: its tasks, and between them the dependencies that Airflow has.

    Parameters:
        declared: the tasks, without what was drawn.
        members: the Airflow tasks that stand for them, by their task ids.
        launcher: the Airflow task that submits them.
        where: the group, for the error.

    Raises:
        SpecError: no task, a cycle, Jinja that nobody renders, or a member that waits for something Batch
            knows nothing of.
    """
    if not members:
        raise SpecError("it has no task", where=where, right="Add one by job.task('id', 'command').")
    graph = declared.only(declared.specs)
    ahead: set[str] = set()
    for operator in members.values():
        before = sorted(operator.upstream_task_ids - {launcher.task_id})
        foreign = [task_id for task_id in before if task_id not in members]
        if foreign and not ahead:
            ahead = launcher.get_flat_relative_ids(upstream=True)
        for task_id in foreign:
            if task_id not in ahead:
                raise _held_in_vain(operator, task_id, launcher)
        inner = [Task(graph, members[task_id].spec.id) for task_id in before if task_id in members]
        if inner:
            graph.link(inner, [Task(graph, operator.spec.id)])
    graph.validate()
    check_written_graph(graph.specs)
    return graph


def _held_in_vain(operator: AzureBatchMemberOperator, task_id: str, launcher: BaseOperator) -> SpecError:
    return SpecError(
        f"it waits for the Airflow task {task_id!r}, which is not a Batch task of the group",
        where=f"task {operator.task_id!r}",
        right="Azure Batch starts it without knowing of that: draw the arrow to the whole group, or to "
        f"{launcher.task_id!r}, or make two groups with that task between them.",
    )
