"""Docstrings of this project, taken apart: text, parameters, what is returned, what is raised."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_SECTIONS = ("Parameters:", "Raises:", "Returns:")
_FIELD = re.compile(r":(param|raises?|returns?)(?: ([\w.]+))?: *(.*)")
_ITEM = re.compile(r"([\w*]+(?:, [\w*]+)*): *(.*)")


@dataclass
class Docstring:
    """One docstring.

    :param text: paragraphs and indented blocks beside the sections, in order.
    :param raises: error -> when.
    """

    text: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    returns: str = ""
    raises: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first sentence."""
        first = " ".join(self.text[0].split()) if self.text else ""
        return re.split(r"(?<=[.!?]) (?=[A-Z`])", first)[0]


def parse(text: str | None) -> Docstring:
    """Take a docstring apart; of either form that this project writes."""
    found = Docstring()
    for block in _blocks(inspect.cleandoc(text or "")):
        first = block[0].strip()
        if first in _SECTIONS:
            _section(found, first, block[1:])
        elif _FIELD.match(first):
            _fields(found, block)
        else:
            found.text.append("\n".join(block))
    return found


def _blocks(text: str) -> Iterator[list[str]]:
    """Paragraphs; a section with all that is indented below it is one."""
    block: list[str] = []
    for line in text.splitlines():
        if line.strip() in _SECTIONS and block:
            yield block
            block = []
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _section(found: Docstring, title: str, lines: list[str]) -> None:
    if title == "Returns:":
        found.returns = " ".join(line.strip() for line in lines)
        return
    into = found.parameters if title == "Parameters:" else found.raises
    for item in _items(inspect.cleandoc("\n".join(["", *lines])).splitlines()):
        _add(into, item)


def _items(lines: list[str]) -> Iterator[str]:
    """Each with the further lines that are indented below it."""
    item: list[str] = []
    for line in lines:
        if item and not line.startswith(" "):
            yield " ".join(item)
            item = []
        item.append(line.strip())
    if item:
        yield " ".join(item)


def _add(into: dict[str, str], item: str) -> None:
    if match := _ITEM.match(item):
        into.update({name.strip("*"): match[2] for name in match[1].split(", ")})


def _fields(found: Docstring, lines: list[str]) -> None:
    for item in _items(lines):
        match = _FIELD.match(item)
        assert match is not None, item
        kind, name, text = match.groups()
        if kind == "param":
            found.parameters[name] = text
        elif kind.startswith("raise"):
            found.raises[name] = text
        else:
            found.returns = text
