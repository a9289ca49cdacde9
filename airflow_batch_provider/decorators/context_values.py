"""What a function asks for of Airflow's context, and what of that a node can have."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow_batch_provider.spec.errors import SpecError

_ON_WORKER = {
    "asset_state_store": None,
    "conn": "conn.my_connection.host",
    "dag": "dag.dag_id",
    "dag_run": "dag_run.conf['key']",
    "inlet_events": None,
    "inlets": None,
    "macros": "macros.ds_add(ds, 7)",
    "outlet_events": None,
    "outlets": None,
    "task": "task.task_id",
    "task_instance": "task_instance.map_index",
    "task_state_store": None,
    "ti": "ti.map_index",
    "triggering_asset_events": None,
    "var": "var.value.name",
}
"""Names in Airflow's context of what is no plain value, and a template that gives a part that is."""


def asked_names(
    function: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any], where: str
) -> list[str]:
    """Names of Airflow's context among a function's parameters, without those that its call gives.

    Parameters:
        function: the function.
        args, kwargs: what it is called with; values are not looked at.
        where: the Airflow task.

    Raises:
        SpecError: a name of what lives on the worker only.
    """
    from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

    signature = inspect.signature(function)
    given = {*signature.bind_partial(*args).arguments, *kwargs}
    names = [name for name in signature.parameters if name in KNOWN_CONTEXT_KEYS and name not in given]
    for name in names:
        if name in _ON_WORKER:
            raise _refusal(name, "lives on the worker only", where)
    return names


def shippable(name: str, value: Any, where: str) -> Any:
    """A value of the context as the node can read it, where neither Airflow nor pendulum is installed.

    Parameters:
        name: in the context.
        value: the value there.
        where: the Airflow task.

    Returns:
        Text, numbers and times as they are, with standard types; mappings as dict; lists and tuples of such.

    Raises:
        SpecError: it is, or holds, anything else.
    """
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(value.isoformat())
    if isinstance(value, Mapping):  # by key: the items of Airflow's ParamsDict are not its values
        return {str(key): shippable(name, value[key], where) for key in value}
    if type(value) in (list, tuple):
        return type(value)(shippable(name, held, where) for held in value)
    raise _refusal(name, f"is or holds {type(value).__name__}, which is no plain value", where)


def plain_argument(value: Any) -> Any:
    """Lazy sequences of mapped XComs can only be read on a worker: a list of what is in them goes along."""
    from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

    return list(value) if isinstance(value, LazyXComSequence) else value


def _refusal(name: str, why: str, where: str) -> SpecError:
    part = _ON_WORKER.get(name)
    return SpecError(
        f"the function asks for {name!r} of Airflow's context, which {why}",
        where=where,
        right=f"Hand over what you need of it as an argument, such as by '{{{{ {part} }}}}'."
        if part
        else "Have a @task take what is needed of it, and hand over what that returns.",
    )
