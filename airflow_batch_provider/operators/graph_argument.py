"""The graph that an author gives an operator: made already, or by a function in the worker."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider import spec
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import Render, as_written
from airflow_batch_provider.spec.written_graph import check_written_graph

if TYPE_CHECKING:
    from airflow_batch_provider.spec.graph import JobGraph


def check_graph(graph: object, kwargs: Mapping[str, Any] | None, where: str) -> None:
    """Check what can be checked when the DAG is parsed.

    Parameters:
        graph: as it was given.
        kwargs: for the function.
        where: the task, for the error.

    Raises:
        SpecError: neither a graph nor a function, a graph that cannot work, one with arguments, or a function
            that cannot be called with them.
    """
    if isinstance(graph, spec.JobGraph):
        graph.validate()
        check_written_graph(graph.specs)
        if kwargs:
            raise SpecError(
                "graph_kwargs are given, but graph is no function", where=where, right="Leave them out."
            )
    elif not callable(graph):
        raise SpecError(
            f"graph is {graph!r}", where=where, right="It is a JobGraph or a function that gives one."
        )
    elif kwargs is None or isinstance(kwargs, Mapping):
        _check_call(graph, kwargs or {}, where)


def rendered_graph(
    graph: JobGraph | Callable[..., JobGraph], kwargs: Mapping[str, Any] | None, render: Render, where: str
) -> JobGraph:
    """The graph with its Jinja rendered, in the worker.

    Parameters:
        graph: as it was given.
        kwargs: for the function.
        render: Airflow's, for a graph that is there. What a function makes is taken as it is: names from
            outside may be in it, of blobs for one, and Jinja in them would run with all rights.
        where: the task, for the error.

    Raises:
        SpecError: the function cannot be called so or gave something else, or the graph cannot work.
    """
    made: object = graph
    if not isinstance(graph, spec.JobGraph):
        _check_call(graph, kwargs or {}, where)
        made = graph(**(kwargs or {}))
    if not isinstance(made, spec.JobGraph):
        raise SpecError(f"the function gave {made!r}", where=f"graph of {where}", right="Return a JobGraph.")
    done = made.rendered(render if made is graph else as_written)
    done.validate()
    return done


def _check_call(graph: Callable[..., object], kwargs: Mapping[str, Any], where: str) -> None:
    try:
        signature = inspect.signature(graph)
    except (TypeError, ValueError):  # of one that is not written in Python
        return
    try:
        signature.bind(**kwargs)
    except TypeError as error:
        name = getattr(graph, "__name__", "graph")
        raise SpecError(
            f"graph_kwargs do not fit the function {name!r}: {error}",
            where=where,
            right="Name its arguments: graph_kwargs={...}.",
        ) from None
