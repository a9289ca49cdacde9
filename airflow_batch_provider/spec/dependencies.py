"""What the dependencies of tasks must be."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_batch_provider.spec.cycles import find_cycle
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.limits import DEPENDENCY_IDS_LENGTH
from airflow_batch_provider.spec.naming import slug


def check_task(task_id: str, waits_for: Mapping[str, None]) -> None:
    """Check what one task waits for.

    Parameters:
        task_id: its id.
        waits_for: ids.

    Raises:
        SpecError: itself, or more ids than the service takes.
    """
    if task_id in waits_for:
        raise SpecError("it waits for itself", where=f"task {task_id!r}", right="Take that dependency out.")
    length = sum(map(len, waits_for))
    if length > DEPENDENCY_IDS_LENGTH:
        raise SpecError(
            f"it waits for {len(waits_for)} tasks, whose ids have {length:,} characters together",
            where=f"task {task_id!r}",
            right=f"Azure Batch takes about {DEPENDENCY_IDS_LENGTH:,}: let it wait for "
            f"graph.barrier('all-{slug(task_id, 40)}', tasks) instead.",
        )


def check_all(upstream: Mapping[str, Mapping[str, None]]) -> None:
    """Check what all tasks of a graph wait for.

    Parameters:
        upstream: each task's id and the ids it waits for.

    Raises:
        SpecError: a task that does not exist, or a cycle, which it spells out.
    """
    for task_id, waits_for in upstream.items():
        for before in waits_for:
            if before not in upstream:
                raise SpecError(
                    f"it waits for {before!r}, which is not in the graph",
                    where=f"task {task_id!r}",
                    right=nearest(before, upstream) or "Add that task to the same graph.",
                )
    if cycle := find_cycle(upstream):
        raise SpecError(
            "the tasks wait for each other: " + " -> ".join(cycle),
            right="None of them could ever start; take one dependency out.",
        )
