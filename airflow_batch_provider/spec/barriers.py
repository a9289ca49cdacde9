"""Cutting the tasks that one waits for into as many as one list of dependencies can name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airflow_batch_provider.spec.handles import Task
from airflow_batch_provider.spec.limits import DEPENDENCY_IDS_LENGTH


def chunks(tasks: Sequence[Task]) -> Iterable[list[Task]]:
    """Tasks in their order, in lists whose ids fit one list of dependencies."""
    chunk: list[Task] = []
    length = 0
    for task in tasks:
        if length + len(task.id) > DEPENDENCY_IDS_LENGTH:
            yield chunk
            chunk, length = [], 0
        chunk.append(task)
        length += len(task.id)
    yield chunk
