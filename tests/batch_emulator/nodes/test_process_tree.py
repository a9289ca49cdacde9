"""Processes are found by what /proc tells."""

from __future__ import annotations

import subprocess
from pathlib import Path

from batch_emulator.nodes.agent.process_tree import processes_with_environment


def test_a_process_is_found_from_its_first_instant(tmp_path: Path) -> None:
    """For an instant while it becomes another program it shows no environment."""
    mark = {"MARK": str(tmp_path / "node")}
    for _ in range(20):
        with subprocess.Popen(["/bin/sleep", "600"], env=mark) as process:
            found = processes_with_environment("MARK", str(tmp_path))
            process.kill()
        assert found == {process.pid}


def test_a_process_without_an_environment_is_no_ones(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "600"], env={}) as process:
        found = processes_with_environment("MARK", str(tmp_path))
        process.kill()
    assert found == set()
