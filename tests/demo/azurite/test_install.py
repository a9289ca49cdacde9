from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from demo.azurite import node
from demo.azurite.install import STAMP, InstallError, install
from demo.azurite.node import AZURITE_DIR, NodeMissingError, node_binary


def test_node_is_the_program_and_no_python_wrapper() -> None:
    assert node_binary().read_bytes()[:4] == b"\x7fELF"


def test_azurite_is_pinned_and_locked() -> None:
    wanted = json.loads((AZURITE_DIR / "package.json").read_text())["dependencies"]["azurite"]
    locked = json.loads((AZURITE_DIR / "package-lock.json").read_text())["packages"]["node_modules/azurite"]
    assert wanted == locked["version"] == "3.37.0"
    assert locked["integrity"].startswith("sha512-")


def test_a_missing_wheel_is_said_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "find_spec", lambda _: None)
    with pytest.raises(NodeMissingError, match="make setup"):
        node_binary()


@pytest.fixture
def offline_package(tmp_path: Path) -> Path:
    """A package that needs its neighbour only: npm installs it without a network."""
    (tmp_path / "y").mkdir()
    (tmp_path / "y/package.json").write_text('{"name": "y", "version": "1.0.0"}')
    root = {"name": "x", "version": "1.0.0", "dependencies": {"y": "file:y"}}
    packages = {"": root, "y": {"version": "1.0.0"}, "node_modules/y": {"resolved": "y", "link": True}}
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    (tmp_path / "package.json").write_text(json.dumps(root))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


@pytest.mark.slow
def test_npm_installs_without_a_system_node(offline_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    stamp = install(offline_package)
    assert stamp == offline_package / STAMP
    assert stamp.stat().st_mtime >= (offline_package / "package-lock.json").stat().st_mtime
    assert (offline_package / "node_modules/y/package.json").exists()


@pytest.mark.slow
def test_a_failure_of_npm_is_told_with_its_words(offline_package: Path) -> None:
    (offline_package / "package.json").write_text('{"name": "x", "dependencies": {"left-pad": "1.3.0"}}')
    with pytest.raises(InstallError, match=r"(?s)could not be installed.*in sync"):
        install(offline_package)


@pytest.mark.slow
def test_azurite_is_the_pinned_version() -> None:
    done = subprocess.run(
        [str(node_binary()), str(node.azurite_script()), "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": "/nowhere"},
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "3.37.0"
