"""The image of the emulator alone: it is not built here, but what its file names is there and enough."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from batch_emulator import cli

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker" / "emulator.Dockerfile").read_text("utf-8")
LOCK = (ROOT / "docker" / "emulator.lock").read_text("utf-8")
# The distribution that a package is imported from.
DISTRIBUTIONS = {"jwt": "pyjwt", "azure": "azure-core", "yarl": "yarl", "multidict": "multidict"}


def words(instruction: str) -> list[str]:
    found = re.findall(rf"^\s*{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    parsed: list[str] = json.loads(found[-1])
    return parsed


def locked() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))


def test_what_is_copied_is_there() -> None:
    sources = [
        name for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    ]
    assert sources
    for name in sources:
        assert (ROOT / name).exists(), name


def test_its_commands_are_the_emulators() -> None:
    assert words("ENTRYPOINT") == ["python", "-m", "batch_emulator"]
    served = cli._parser().parse_args(words("CMD"))
    assert (served.host, str(served.data_dir)) == ("0.0.0.0", "/data")
    (health,) = re.findall(r"HEALTHCHECK.*\\\n\s+CMD (\[.*\])", DOCKERFILE)
    assert cli._parser().parse_args(json.loads(health)[3:]).command == "status"


def test_the_lock_holds_what_the_extra_asks_for() -> None:
    listed = subprocess.run(
        [sys.executable, str(ROOT / "docker" / "emulator_requirements.py")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = {Requirement(line).name for line in listed.splitlines()}
    assert wanted
    assert wanted <= locked(), "write it anew by: make lock"
    versions = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))
    tested = (ROOT / "requirements.lock").read_text("utf-8")
    for name in wanted:
        assert f"\n{name}=={versions[name]}" in f"\n{tested}", f"{name} is not the version that is tested"


def test_what_is_imported_is_in_the_lock() -> None:
    for path in (ROOT / "batch_emulator").rglob("*.py"):
        # What is for test suites finds pytest there.
        given = {
            *sys.stdlib_module_names,
            "batch_emulator",
            *(["pytest"] if path.parent.name == "testing" else []),
        }
        missing = {DISTRIBUTIONS.get(name, name) for name in imported(path) - given} - locked()
        assert not missing, path


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
