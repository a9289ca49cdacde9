"""Adding to a running job the tasks that became known on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_batch_provider.client.requests.job_requests import GONE, get_task
from airflow_batch_provider.client.requests.records import TaskView
from airflow_batch_provider.client.requests.steps import Refusal, Script
from airflow_batch_provider.spec.files import Render
from airflow_batch_provider.spec.graph import Expansion, JobGraph

ReadResult = Callable[[JobGraph, str], Any]
"""Gives the parsed ``result`` of a task of a graph."""


def grown(
    graph: JobGraph,
    job_id: str,
    read_result: ReadResult,
    render: Render,
    earlier: Mapping[str, TaskView] | None = None,
) -> Script[JobGraph]:
    """The graph with every expansion carried out whose time has come.

    It is worked out anew from the graph as it was written, each time: nothing has to be remembered between
    a worker that crashed and the one that takes over.

    Parameters:
        graph: as it was submitted first.
        job_id: the job.
        read_result: gives the result of a task.
        render: applied to the texts of the tasks that are added, which hold what a task has told.
        earlier: tasks that earlier jobs have done, by their id in lower case.

    Returns:
        The graph; the expansions left in it wait for tasks that have not completed yet. One whose task failed
        is dropped, since it will never come.

    Raises:
        SpecError: what an expansion's function returned does not fit.
    """
    waiting: list[Expansion] = []
    while True:
        ready = next((each for each in graph.expansions if each not in waiting), None)
        if ready is None:
            return graph
        task = (earlier or {}).get(ready.after.lower()) or (yield from _task_if_there(job_id, ready.after))
        if task is None or not task.completed:
            waiting.append(ready)
        elif task.succeeded:
            more = ready.build(read_result(graph, ready.after), **ready.kwargs)
            more = more.rendered(render) if isinstance(more, JobGraph) else more
            graph = graph.joined(more, ready)
        else:
            graph = graph.without(ready)


def _task_if_there(job_id: str, task_id: str) -> Script[TaskView | None]:
    """A task, or None when it was not submitted yet: it may be one that this very expansion adds."""
    try:
        return (yield from get_task(job_id, task_id))
    except Refusal as refusal:
        if refusal.code in GONE or refusal.code == "TaskNotFound":
            return None
        raise
