"""The one task of a graph that may be its job's manager: it may add others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow_batch_provider.spec.task import TaskSpec


@dataclass(frozen=True)
class JobManager:
    """Makes a task the job's manager: it is created with the job and started first, and may add tasks.

    It is a task of its graph like any other, with its id, files and outcome. What it adds by itself is not in
    the graph: the operator does not answer for it, and the job ends when that is complete too.

    Parameters:
        exclusive: whether no other task runs on its node meanwhile.
        spot: whether it may run on a Spot node, which can be taken away.
        kill_job: end the job when the manager ends, whatever else still runs. The service's own default is
            True; here the job ends when all its tasks have.

    Source: Azure Batch REST reference: *BatchJobManagerTask*.
    """

    exclusive: bool = True
    spot: bool = True
    kill_job: bool = False

    def to_wire(self) -> dict[str, Any]:
        """What a manager has in BatchJobManagerTask beside what every task has."""
        return {
            "killJobOnCompletion": self.kill_job,
            "runExclusive": self.exclusive,
            "allowLowPriorityNode": self.spot,
        }


def check_manager(specs: Iterable[TaskSpec], upstream: Mapping[str, Collection[str]]) -> None:
    """Check the job manager of a graph, if it has one.

    Raises:
        SpecError: there are two, or it waits for a task, which the service does not know of a manager.
    """
    managers = [spec for spec in specs if spec.job_manager is not None]
    if len(managers) > 1:
        raise SpecError(
            f"there are two job managers, {managers[0].id!r} and {managers[1].id!r}",
            right="A job has one: leave job_manager out of the others.",
        )
    for spec in managers:
        if waits_for := next(iter(upstream[spec.id]), None):
            raise SpecError(
                f"the job manager waits for {waits_for!r}",
                where=spec.where,
                right="It starts before all other tasks; take the dependency and that task's outputs out.",
            )
