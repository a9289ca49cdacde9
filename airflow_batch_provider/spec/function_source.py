"""The source of a function that runs elsewhere, without the decorators that make it an Airflow task."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dis import get_instructions
from pathlib import Path
from types import CodeType
from typing import Any

from airflow_batch_provider.spec.errors import SpecError

_OF_AIRFLOW = frozenset({"azure_batch", "azure_batch_task", "setup", "teardown", "skip_if", "run_if"})
"""Last parts of the names of decorators that are known to be Airflow's, whatever ``task`` was imported as."""


_EVERYWHERE = frozenset({"__name__", "__file__", "__doc__"})
"""Globals that any module has, also the one that is made on the node."""


@dataclass(frozen=True)
class FunctionSource:
    """A function as text.

    Parameters:
        name: the function's.
        source: its definition, not indented.
        file: name of the file that it is in, without directories.
        line: of the file, on which ``source`` begins, from 1.
    """

    name: str
    source: str
    file: str
    line: int


def check_function(function: Callable[..., Any]) -> None:
    """Refuse what has no source of its own.

    Raises:
        SpecError: a lambda, a built-in, or an object that is called.
    """
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise SpecError(
            f"{function!r} is sent to the node as source, and has none of its own",
            where="task.azure_batch",
            right="Write a function with def.",
        )


def check_names(function: Callable[..., Any]) -> None:
    """Refuse a function that names what does not go to the node with it.

    Names that the DAG file does not have either are left to Python: they may be made on the node.

    Raises:
        SpecError: it uses a name of the DAG file, or of a function around it.
    """
    inner = inspect.unwrap(function)
    used = {
        each.argval
        for code in _codes(inner.__code__)
        for each in get_instructions(code)
        if each.opname == "LOAD_GLOBAL"
    }
    outside = (used & inner.__globals__.keys()) | set(inner.__code__.co_freevars)
    missing = sorted(outside - set(dir(builtins)) - {inner.__name__, *_EVERYWHERE})
    if missing:
        raise SpecError(
            f"{inner.__name__!r} uses {', '.join(map(repr, missing))} of the DAG file, "
            f"which {'does' if len(missing) == 1 else 'do'} not go to the node",
            where="task.azure_batch",
            right="Import or define it within the function, or hand it over as an argument.",
        )


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions and classes within it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def function_source(function: Callable[..., Any]) -> FunctionSource:
    """Read a function's source.

    Decorators of Airflow are blanked out, others are left: they must be defined within reach of the node.
    Lines keep their numbers, so that a traceback from the node fits the file of the DAG.

    Raises:
        SpecError: there is none to be had.
    """
    check_function(function)
    try:
        lines, line = inspect.getsourcelines(function)
        text = textwrap.dedent("".join(lines))
        definition = ast.parse(text).body[0]
        # From Python 3.13 on a function without a file may be given the source of `python -c`.
        if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
            raise OSError("what is there is no function")
    except (OSError, TypeError, SyntaxError, IndexError) as error:
        raise SpecError(
            f"the source of {function.__name__!r} cannot be read ({error})",
            where="task.azure_batch",
            right="Define the function in a file.",
        ) from None
    kept = text.splitlines()
    for decorator in definition.decorator_list:
        if _is_of_airflow(decorator, function):
            first, last = decorator.lineno, decorator.end_lineno or decorator.lineno
            kept[first - 1 : last] = [""] * (last - first + 1)
    file = Path(function.__code__.co_filename).name
    return FunctionSource(function.__name__, "\n".join(kept) + "\n", file, max(1, line))


def _is_of_airflow(decorator: ast.expr, function: Callable[..., Any]) -> bool:
    """By its name, or by what it is: ``on_nodes = task.azure_batch(...)`` may serve several functions."""
    name = _name(decorator)
    kept = function.__globals__.get(name) if isinstance(decorator, ast.Name) else None
    return name in _OF_AIRFLOW or (getattr(kept, "__module__", None) or "").startswith("airflow.")


def _name(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call):
        return _name(decorator.func)
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else ""
