"""What an author holds in hand of a task group: one of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

# The base of operators, groups and XComs, which has no public name: whatever >> joins must be one.
from airflow.sdk.definitions._internal.mixins import DependencyMixin

if TYPE_CHECKING:
    from airflow_batch_provider.spec.files import TaskOutput
    from airflow_batch_provider.spec.handles import Task
    from airflow_batch_provider.task_groups.member import AzureBatchMemberOperator


class BatchMember(DependencyMixin):
    """A task of a group: joined with ``>>`` and ``<<`` like any Airflow task. Made by ``job.task(...)``.

    Parameters:
        task: the Batch task.
        operator: the Airflow task that stands for it.
    """

    def __init__(self, task: Task, operator: AzureBatchMemberOperator) -> None:
        self._task = task
        self.operator = operator

    def output(self, path: str) -> TaskOutput:
        """Refer to one file that this task leaves; using it as an input makes the dependency too.

        Parameters:
            path: below the working directory, as one of the task's outputs names or matches it.

        Returns:
            A source for the inputs of another member.

        Raises:
            SpecError: no output of this task uploads the file.
        """
        return self._task.output(path)

    @property
    def roots(self) -> Sequence[AzureBatchMemberOperator]:
        """Where arrows to it end."""
        return [self.operator]

    @property
    def leaves(self) -> Sequence[AzureBatchMemberOperator]:
        """Where arrows from it begin."""
        return [self.operator]

    def set_upstream(self, other: Any, edge_modifier: Any = None) -> None:
        """Let it wait for another task, or for several."""
        self.operator.set_upstream(other, edge_modifier)

    def set_downstream(self, other: Any, edge_modifier: Any = None) -> None:
        """Let another task, or several, wait for it."""
        self.operator.set_downstream(other, edge_modifier)

    def __repr__(self) -> str:
        return f"<BatchMember {self.operator.task_id}>"
