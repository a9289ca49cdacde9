"""Runs and nodes with few words."""

from __future__ import annotations

from typing import Any

from batch_emulator.service.effects import BootNode, StartRun


def a_run(command_line: str = "/bin/true", **changes: Any) -> StartRun:
    """A task `t` of job `j` on node `n` of pool `p`; ``spec`` is added to the command line."""
    spec = {"commandLine": command_line, **changes.pop("spec", {})}
    values: dict[str, Any] = {
        "run_id": "r1",
        "kind": "task",
        "pool_id": "p",
        "node_id": "n",
        "boot_id": "b",
        "task_root": "workitems/j/job-1/t",
        "job_id": "j",
        "task_id": "t",
    }
    return StartRun(spec=spec, **{**values, **changes})


def a_boot(**changes: Any) -> BootNode:
    """A first boot of node `n` of pool `p`."""
    values: dict[str, Any] = {
        "pool_id": "p",
        "node_id": "n",
        "boot_id": "b",
        "is_dedicated": True,
        "wipe": True,
    }
    return BootNode(**{**values, **changes})
