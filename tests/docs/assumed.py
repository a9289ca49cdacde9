"""The decisions in modules of assumptions, with the words that stand beside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import batch_emulator

ROOT = Path(batch_emulator.__file__).parent


@dataclass(frozen=True)
class Assumption:
    """A name of such a module.

    :param module: below ``batch_emulator``.
    :param name: empty for a decision that is the shape of a rule; its text says where the rule is.
    :param reason: the text after it, or the comment before it.
    """

    module: str
    name: str
    reason: str


def modules() -> list[Path]:
    """The modules."""
    return sorted(ROOT.rglob("*assumptions.py"))


def assumptions() -> list[Assumption]:
    """All of them, in the order of their modules."""
    found = []
    for path in modules():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        source = path.read_text("utf-8")
        found += [Assumption(module, name, reason) for name, reason in _names(source)]
        found += [
            Assumption(module, "", reason) for reason in _items(ast.get_docstring(ast.parse(source)) or "")
        ]
    return found


def _items(text: str) -> list[str]:
    """The items of a list in a text."""
    paragraphs = [
        part for block in text.split("\n\n") for part in re.split(r"\n?^- ", block, flags=re.MULTILINE)[1:]
    ]
    return [" ".join(part.split()).replace("|", "\\|").replace("``", "`") for part in paragraphs]


def _names(source: str) -> Iterator[tuple[str, str]]:
    lines, body = source.splitlines(), ast.parse(source).body
    reason = ""
    for place, node in enumerate(body):
        names = _defined(node)
        if isinstance(node, ast.FunctionDef):
            reason = ast.get_docstring(node) or ""
        elif names:
            # One text may stand for several names that follow one another.
            reason = _comment_above(lines, node.lineno) or _text_after(body[place + 1 :]) or reason
        else:
            continue
        for name in names:
            yield name, " ".join(reason.split(":raises")[0].split()).replace("|", "\\|").replace("``", "`")


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def _text_after(following: list[ast.stmt]) -> str:
    for node in following:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return str(node.value.value)
        if not _defined(node) or isinstance(node, ast.FunctionDef):
            break
    return ""


def _comment_above(lines: list[str], number: int) -> str:
    comment: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.startswith("#") or line.startswith("# ---"):
            break
        comment.insert(0, line.lstrip("# "))
    return " ".join(comment)
