"""The package as others meet it: its names, its cost, its purity."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import batch_emulator.autoscale as autoscale

SOURCES = sorted(Path(autoscale.__file__).parent.glob("*.py"))
PURE = {
    *("ast", "bisect", "collections", "datetime", "difflib", "enum", "importlib", "math", "operator"),
    *("random", "re", "typing"),
}


def imported_modules(source: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def test_every_exported_name_exists() -> None:
    for name in autoscale.__all__:
        assert getattr(autoscale, name) is not None


def test_other_names_do_not() -> None:
    assert not hasattr(autoscale, "tokenize_everything")


def test_the_package_is_pure() -> None:
    for source in SOURCES:
        foreign = {
            module
            for module in imported_modules(source)
            if module.split(".")[0] not in PURE and not module.startswith("batch_emulator.autoscale")
        }
        assert not foreign, f"{source.name} imports {foreign}"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(json.loads(output.stdout))


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = loaded_by("import batch_emulator.autoscale")
    assert {name for name in loaded if name.startswith("batch_emulator")} == {
        "batch_emulator",
        "batch_emulator.autoscale",
    }


def test_checking_a_formula_does_not_load_the_evaluator() -> None:
    loaded = loaded_by("from batch_emulator.autoscale import parse; parse('x = 1;')")
    assert "batch_emulator.autoscale.parser" in loaded
    assert not loaded & {"batch_emulator.autoscale.evaluator", "difflib", "socket", "asyncio"}
