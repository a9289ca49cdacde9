"""Parameter sweeps: the points that a grid or a pairing of values has."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.spec.command import Command
from airflow_batch_provider.spec.errors import SpecError, nearest

Pairing: TypeAlias = Literal["product", "zip"]


def sweep_points(axes: Mapping[str, Iterable[Any]], pairing: Pairing, *, where: str) -> list[dict[str, Any]]:
    """The combinations of a sweep, in order; the last axis changes fastest.

    Raises:
        SpecError: no axis, one without values or that is one text, or a ``zip`` of unequal lengths.
    """
    if pairing not in ("product", "zip"):
        hint = nearest(str(pairing), ("product", "zip"))
        raise SpecError(f"pairing is {pairing!r}", where=where, right=hint or "It is 'product' or 'zip'.")
    if not isinstance(axes, Mapping) or not axes:
        raise SpecError(
            f"axes are {axes!r}", where=where, right="Map parameters to values: {'rate': [0.1, 0.01]}."
        )
    lists = {name: _values(name, values, where) for name, values in axes.items()}
    lengths = {name: len(values) for name, values in lists.items()}
    if pairing == "zip" and len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise SpecError(
            f"values are paired, and {told}",
            where=where,
            right="Give all axes as many values, or take pairing='product'.",
        )
    combined = zip(*lists.values(), strict=True) if pairing == "zip" else itertools.product(*lists.values())
    return [dict(zip(lists, values, strict=True)) for values in combined]


def _values(name: str, values: object, where: str) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise SpecError(
            f"axis {name!r} is {values!r}", where=where, right=f"Give a list of values: [{values!r}]."
        )
    listed = list(values)
    if not listed:
        raise SpecError(f"axis {name!r} has no values", where=where, right="Give it one at least.")
    return listed


def items_of(items: Iterable[Any], build: object, where: str) -> Iterable[Any]:
    """The items of a fan-out, looked at before the first is built.

    Raises:
        SpecError: no list, or nothing that builds a task.
    """
    if hasattr(items, "resolve"):
        raise SpecError(
            "the items are the output of another task, which is known only when the job runs",
            where=where,
            right="Make the graph by a function: graph=make_graph, graph_kwargs={'items': other.output}.",
        )
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise SpecError(f"the items are {items!r}", where=where, right=f"Give a list of them: [{items!r}].")
    if not callable(build):
        raise SpecError(
            f"build is {build!r}",
            where=where,
            right="It is a function of an item: lambda item: dict(command=['echo', item]).",
        )
    return items


def build_task(
    build: Callable[[Any], Mapping[str, Any]], item: object, *, where: str
) -> tuple[Command, dict[str, Any]]:
    """What a function says of the task for one item: its command, and its options.

    Raises:
        SpecError: it returned no dict with a command.
    """
    made = build(item)
    if not isinstance(made, Mapping) or "command" not in made:
        raise SpecError(
            f"build returned {made!r} for {item!r}",
            where=where,
            right="Return dict(command=..., inputs=..., outputs=...).",
        )
    return made["command"], {option: value for option, value in made.items() if option != "command"}
