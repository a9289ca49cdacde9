"""The run file: which processes a stack has, so that the next start can clean up after a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from demo.processes.ending import end_all
from demo.processes.identity import ProcessIdentity, kin_of

__all__ = ["AlreadyRunningError", "Run", "clean_up", "read_run", "write_run"]

_GRACE_SECONDS = 1.0


class AlreadyRunningError(RuntimeError):
    """A living stack uses the folder."""


@dataclass(frozen=True)
class Run:
    """Processes of one run.

    Parameters:
        owner: the process that wanted the stack.
        guardian: parent of the components.
        components: leaders of the components' process groups.
    """

    owner: ProcessIdentity
    guardian: ProcessIdentity
    components: tuple[ProcessIdentity, ...] = ()


def write_run(path: Path, run: Run) -> None:
    """Write the run file so that a reader sees the old or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(run)))
    os.replace(draft, path)


def _identity(value: dict[str, object]) -> ProcessIdentity:
    return ProcessIdentity(int(str(value["pid"])), str(value["started"]))


def read_run(path: Path) -> Run | None:
    """The run that the file describes; None if there is no (readable) file."""
    try:
        value = json.loads(path.read_text())
        return Run(
            owner=_identity(value["owner"]),
            guardian=_identity(value["guardian"]),
            components=tuple(_identity(item) for item in value["components"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clean_up(path: Path, *, own_run: bool = False) -> list[int]:
    """End what an earlier run left behind, and remove its run file.

    A process is touched only if its number and its start are those written down.

    Parameters:
        path: the run file.
        own_run: the caller is its owner and done with it.

    Returns:
        Process ids that were found alive.

    Raises:
        AlreadyRunningError: the earlier run's owner is alive.
        RuntimeError: a process cannot be ended.
    """
    run = read_run(path)
    if run is None:
        return []
    if run.owner.is_alive and not own_run:
        raise AlreadyRunningError(
            f"A stack already runs in {path.parent} (process {run.owner.pid}). "
            "Two cannot share a folder. End that one with Ctrl-C, or give this one another --data-dir."
        )

    def leftovers() -> Iterable[psutil.Process]:
        found = {p.pid: p for leader in (run.guardian, *run.components) for p in kin_of(leader)}
        return found.values()

    pids = [process.pid for process in leftovers()]
    stubborn = end_all(leftovers, _GRACE_SECONDS) if pids else []
    if stubborn:
        raise RuntimeError(
            f"Processes {stubborn} of an earlier run cannot be ended. "
            "They may belong to another user. End them by hand, then start again."
        )
    path.unlink(missing_ok=True)
    return pids
