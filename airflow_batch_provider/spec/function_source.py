"""The source of a function that runs elsewhere, without the decorators that make it an Airflow task."""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
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


_EVERYWHERE = frozenset({"__name__", "__doc__", "__annotations__"})
"""Names that any module has, also the one that is made on the node, or that a class makes for itself."""

_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
"""Instructions by which code takes what is not its own."""


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


@functools.lru_cache(maxsize=64)  # a function may be called for many tasks, and this takes milliseconds
def check_names(function: Callable[..., Any]) -> None:
    """Refuse a function that names what does not go to the node with it.

    It is compiled as on the node, where annotations are not evaluated. What its body names and the DAG file
    does not have either is left to Python: it may be made on the node. Defaults and decorators come before
    anything is.

    Raises:
        SpecError: it uses a name of the DAG file, or of a function around it.
    """
    inner, sent = inspect.unwrap(function), function_source(function)
    code = compile(sent.source, sent.file, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    around = inner.__globals__.keys() | set(inner.__code__.co_freevars)
    within = {name for each in _codes_in(code) for name in _loaded(each)} & around
    missing = sorted((within | _loaded(code)) - set(dir(builtins)) - {sent.name, *_EVERYWHERE})
    if missing:
        raise SpecError(
            f"{sent.name!r} uses {', '.join(map(repr, missing))} of the DAG file, "
            f"which {'does' if len(missing) == 1 else 'do'} not go to the node",
            where="task.azure_batch",
            right="Import or define it within the function, or hand it over as an argument. A default is a "
            "literal, and a decorator is Airflow's.",
        )


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    """That of the functions and classes within it, however deep."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes_in(each)


def _loaded(code: CodeType) -> set[str]:
    """Names that it takes from outside; the body of a class looks for its own by the same instruction."""
    steps = [(each.opname, each.argval) for each in get_instructions(code)]
    own = {name for step, name in steps if step == "STORE_NAME"}
    return {name for step, name in steps if step in _LOADS} - own


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
