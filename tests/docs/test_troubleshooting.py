"""What the page on troubleshooting quotes is what the programs say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
_QUOTE = re.compile(r"(?<![*\w])\*([^*|]+)\*(?!\*)")
_BUTTONS = {"Test"}


def quotes() -> list[str]:
    """Messages in the table of symptoms."""
    table = PAGE.partition("## Symptoms")[2].partition("\n## ")[0]
    return sorted(set(_QUOTE.findall(table)) - _BUTTONS)


@lru_cache(maxsize=1)
def messages() -> list[str]:
    """All texts of the programs, with ``...`` where a value is put in; without docstrings."""
    paths = [
        path for name in ("airflow_batch_provider", "batch_emulator") for path in (ROOT / name).rglob("*.py")
    ]
    return [text for path in paths for text in _texts(ast.parse(path.read_text("utf-8")))]


def _texts(tree: ast.AST) -> Iterator[str]:
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield re.sub(r"%[rsd]", "...", node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values
            )


@pytest.mark.parametrize("quote", quotes())
def test_what_is_quoted_is_said(quote: str) -> None:
    said = re.compile(re.escape(quote).replace(re.escape("..."), ".*"))
    assert any(said.search(text) for text in messages())
