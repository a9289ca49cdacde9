"""The one task of a graph that may be its job's manager."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.task import TaskSpec


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
