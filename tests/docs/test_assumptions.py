"""Every decision where the documents are silent is told, and the code goes by it."""

from __future__ import annotations

import ast

import pytest

from tests.docs.assumed import ROOT, Assumption, assumptions


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every name that is read somewhere."""
    names: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
    return names


@pytest.mark.parametrize("item", assumptions(), ids=lambda item: f"{item.module}.{item.name}")
def test_an_assumption_is_told_and_used(item: Assumption, used: set[str]) -> None:
    assert item.reason, "say what is not documented, and what is done"
    assert not item.name or item.name in used, "nothing goes by it"


def test_each_room_that_decides_has_its_module() -> None:
    rooms = {item.module.partition(".")[0] for item in assumptions()}
    assert {"autoscale", "nodes", "rest", "service"} <= rooms
