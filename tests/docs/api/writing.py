"""How the pages of the reference are written. ``make docs`` does it; a test compares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

from tests.docs.api.objects import Thing, things
from tests.docs.api.pages import PAGES, Page
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "reference"
_ROLE = re.compile(r":\w+:`~?([\w.]+)`")
_AIRFLOWS_OWN = "https://airflow.apache.org/docs/task-sdk/stable/api.html"
_FURTHER = {
    "TaskArguments": "every operator of Airflow, such as `retries`",
    "DecoratorArguments": "every task of Airflow, such as `retries` and `multiple_outputs`",
    "SensorArguments": "every sensor of Airflow, such as `timeout` and `soft_fail`",
    "GroupArguments": "every task group of Airflow, such as `default_args` and `tooltip`",
}
_HEAD = (
    "# API reference",
    "",
    "Written by `make docs` from signatures and docstrings; a test compares. How things are used is told",
    "by the [how-tos](../index.md).",
)


def write() -> dict[Path, str]:
    """Every page, by the file that it goes into."""
    written = {FOLDER / f"{page.name}.md": _page(page) for page in PAGES}
    return {FOLDER / "index.md": _index(), **written}


def _index() -> str:
    here = Page("index", "", "", {})
    lines = [*_HEAD]
    for page in PAGES:
        lines += [
            "",
            f"## {page.title}",
            "",
            f"[{page.about}]({page.name}.md)",
            "",
            "| name | |",
            "| --- | --- |",
        ]
        for path in page.entries:
            thing = things()[path]
            summary = _cell(thing.doc.summary, here)
            lines.append(f"| [`{thing.name}`]({page.name}.md#{_anchor(thing.name)}) | {summary} |")
    return "\n".join([*lines, ""])


def _page(page: Page) -> str:
    lines = [f"# {page.title}", "", page.about + " Back to the [index](index.md)."]
    for path, methods in page.entries.items():
        thing = things()[path]
        module = page.module or _public(path)
        lines += ["", f"## {thing.name}", "", "```python", f"from {module} import {thing.name}", "```"]
        lines += _body(thing, page)
        for name in methods:
            method = thing.method(name)
            assert method is not None, f"{path} has no {name}"
            is_property = method.says("property")
            lines += ["", f"### {thing.name}.{name}", "", f"`{name}{'' if is_property else _call(method)}`"]
            lines += _body(method, page)
    return "\n".join([*lines, ""])


def _body(thing: Thing, page: Page) -> Iterator[str]:
    for block in thing.doc.text:
        yield ""
        yield _text(block, page)
    if thing.arguments:
        yield from _table(thing, page)
    if thing.hands_to_airflow:
        yield f"\nFurther arguments: those of [{_FURTHER[thing.hands_to_airflow]}]({_AIRFLOWS_OWN})."
    if members := _members(thing):
        yield from ("", "| value | what it is |", "| --- | --- |")
        yield from (f"| `{value}` | {_cell(text, page)} |" for value, text in members)
    if thing.doc.returns:
        yield f"\nReturns: {_inline(thing.doc.returns, page)}"
    for error, when in thing.doc.raises.items():
        yield f"\nRaises `{error}`: {_inline(when, page)}"


def _table(thing: Thing, page: Page) -> Iterator[str]:
    yield from ("", "| argument | type | default | what it is |", "| --- | --- | --- | --- |")
    for each in thing.arguments:
        kind = f"`{_piped(each.type)}`" if each.type else ""
        yield f"| `{each.name}` | {kind} | {_piped(each.default)} | {_cell(each.meaning, page)} |"


def _members(thing: Thing) -> list[tuple[str, str]]:
    """Values of an enumeration, with what is said below each."""
    if not thing.says("Enum"):
        return []
    body = thing.node.body
    return [
        (ast.literal_eval(one.value), ast.literal_eval(said.value))
        for one, said in pairwise(body)
        if isinstance(one, ast.Assign) and isinstance(said, ast.Expr)
    ]


def _call(method: Thing) -> str:
    """A call as it is written: what must be given, and dots for what may be."""
    needed = [each.name for each in method.arguments if not each.default]
    optional = len(needed) < len(method.arguments)
    return f"({', '.join([*needed, *(['...'] if optional else [])])})"


def _public(path: str) -> str:
    """The module that something is imported from."""
    module = path.rpartition(".")[0]
    for package in ("batch_emulator.testing", "batch_emulator.simulation"):
        if module.startswith(package) and path.rpartition(".")[2] in _exported(package):
            return package
    return module


def _exported(package: str) -> tuple[str, ...]:
    return tuple(import_module(package).__all__)


def _text(block: str, page: Page) -> str:
    """A paragraph on one line, or a literal block as code."""
    if block.startswith("    "):
        return f"```python\n{dedent(block)}\n```"
    if block.strip() == "::":
        return ""
    return _inline(" ".join(block.split()).removesuffix("::").rstrip(), page)


def _inline(text: str, page: Page) -> str:
    """Roles become links to where the reference has the thing, double backticks single ones."""
    return _ROLE.sub(lambda match: _link(match[1], page), text).replace("``", "`")


def _link(target: str, page: Page) -> str:
    name = target.rpartition(".")[2]
    for other in PAGES:
        for path, methods in other.entries.items():
            own = path.rpartition(".")[2]
            if name == own or (name in methods and other is page):
                at = name if name == own else f"{own}.{name}"
                file = "" if other is page else f"{other.name}.md"
                return f"[`{at}`]({file}#{_anchor(at)})"
    return f"`{name}`"


def _anchor(name: str) -> str:
    return re.sub(r"[^\w\- ]", "", name.lower())


def _piped(text: str) -> str:
    return text.replace("|", "\\|")


def _cell(text: str, page: Page) -> str:
    return _piped(_inline(text, page))
