"""What runs on nodes must run on any node: old Python, standard library only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import dags.transcoding.node as node_package

FOLDER = Path(node_package.__file__).parent
MODULES = [*sorted(FOLDER.glob("*.py")), FOLDER.parent / "transcode.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_syntax_is_that_of_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_nothing_but_the_standard_library_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level == 0}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"node"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_annotations_are_never_evaluated(path: Path) -> None:
    """`list[int]` and `int | None` are errors on Python 3.8 unless annotations stay text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    annotated = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.AnnAssign) or (isinstance(n, ast.FunctionDef) and n.returns)
    ]
    assert not annotated or "from __future__ import annotations" in path.read_text(encoding="utf-8")
