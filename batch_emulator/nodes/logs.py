"""What each node's agent has done, as log files: beside the node's disk, where its tasks cannot see them.

Source: *Compute Node - Upload Batch Service Logs*. The files are named as on the service's nodes; what stands
in them is this emulator's own.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from batch_emulator.nodes.directories import inside
from batch_emulator.service.effects import BootNode, Effect, KillRun, ReleaseNode, RemoveTaskFiles, StartRun
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodeReleased,
    RunEnded,
    RunLost,
)
from batch_emulator.service.times import format_time, parse_time

__all__ = ["NodeLogs"]

_log = logging.getLogger(__name__)
_MAX_BYTES = 1 << 20
_MAX_FILES = 5
# Lines are written together: a node may run a thousand tasks a second.
_MAX_LINES = 100
_DEBUG, _WARN = "agent-debug", "agent-warn"
_NodeKey = tuple[str, str]


class NodeLogs:
    """The log files of all nodes.

    :param folder: a directory for each pool, in it one for each node.
    :param clock: the present time, aware UTC.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._clock = clock
        self._lines: dict[tuple[_NodeKey, str], list[tuple[datetime, str, str]]] = {}
        self._runs: dict[str, _NodeKey] = {}
        self._booted: set[_NodeKey] = set()

    def asked(self, effect: Effect) -> None:
        """Note what a node is asked to do."""
        if isinstance(effect, StartRun):
            key = self._runs[effect.run_id] = (effect.pool_id, effect.node_id)
            self._add(key, f"{effect.kind} {effect.run_id}: start in {effect.task_root}")
        elif isinstance(effect, KillRun):
            self._of_run(effect.run_id, "end its processes")
        elif isinstance(effect, BootNode):
            self._booted.add((effect.pool_id, effect.node_id))
            disk = "an empty disk" if effect.wipe else "the disk as it is"
            self._add((effect.pool_id, effect.node_id), f"boot {effect.boot_id} with {disk}")
        elif isinstance(effect, ReleaseNode):
            self._add((effect.pool_id, effect.node_id), "end all processes and give the machine back")
        elif isinstance(effect, RemoveTaskFiles):
            self._add((effect.pool_id, effect.node_id), f"remove {effect.task_root}")

    def happened(self, event: Event) -> None:
        """Note what a node reports."""
        if isinstance(event, RunEnded):
            failure = f", {event.failure.code}" if event.failure else ""
            self._of_run(
                event.run_id, f"over, exit code {event.exit_code}{failure}", is_bad=event.failure is not None
            )
            self._runs.pop(event.run_id, None)
        elif isinstance(event, RunLost):
            self._of_run(event.run_id, "lost", is_bad=True)
            self._runs.pop(event.run_id, None)
        elif isinstance(event, NodeBooted):
            self._add((event.pool_id, event.node_id), f"boot {event.boot_id}: up as {event.ip_address}")
        elif isinstance(event, NodeBootFailed):
            text = f"boot {event.boot_id} failed: {event.failure.code}"
            self._add((event.pool_id, event.node_id), text, is_bad=True)
        elif isinstance(event, NodeReleased):
            self._booted.discard((event.pool_id, event.node_id))
            self.remove(event.pool_id, event.node_id)

    def between(self, pool_id: str, node_id: str, start: datetime, end: datetime) -> list[Path]:
        """The log files of a node that have a line from ``start`` to ``end``, of what :meth:`write` wrote.

        May be called in another thread.
        """
        directory = self._directory((pool_id, node_id))
        return [path for path in sorted(directory.glob("*.log")) if _covers(path, start, end)]

    def write(self) -> None:
        """Write what was noted and is not written yet."""
        for key, name in list(self._lines):
            self._write(key, name)

    def remove(self, pool_id: str, node_id: str) -> None:
        """Remove the log files of a node that is no more, and its pool's directory after the last one."""
        key = (pool_id, node_id)
        for name in (_DEBUG, _WARN):
            self._lines.pop((key, name), None)
        directory = self._directory(key)
        shutil.rmtree(directory, ignore_errors=True)
        if directory.parent.is_dir() and not any(directory.parent.iterdir()):
            directory.parent.rmdir()

    def remove_except(self, nodes: set[_NodeKey]) -> None:
        """Remove the log files of nodes that are no more.

        :param nodes: pool and node ids, lower case.
        """
        for directory in list(self._folder.glob("*/*")):
            if (directory.parent.name.lower(), directory.name.lower()) not in nodes:
                self.remove(directory.parent.name, directory.name)

    def _of_run(self, run_id: str, text: str, *, is_bad: bool = False) -> None:
        key = self._runs.get(run_id)
        if key is not None:
            self._add(key, f"{run_id}: {text}", is_bad=is_bad)

    def _add(self, key: _NodeKey, text: str, *, is_bad: bool = False) -> None:
        if key not in self._booted:  # late news of a node that is gone
            return
        line = (self._clock(), "WARN" if is_bad else "INFO", text)
        for name in (_DEBUG, _WARN) if is_bad else (_DEBUG,):
            lines = self._lines.setdefault((key, name), [])
            lines.append(line)
            if len(lines) >= _MAX_LINES:
                self._write(key, name)

    def _write(self, key: _NodeKey, name: str) -> None:
        lines = self._lines.pop((key, name))
        text = "".join(f"{format_time(time)} {level} {text}\n" for time, level, text in lines)
        path = self._directory(key) / f"{name}.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size + len(text) > _MAX_BYTES:
                _rotate(path)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # A log that cannot be written must not stop the work that it tells of.
            _log.warning("log of node %s: %s", key[1], error.strerror)

    def _directory(self, key: _NodeKey) -> Path:
        return inside(self._folder, key[0].lower()) / key[1]


def _rotate(path: Path) -> None:
    numbered = [path.with_name(f"{path.stem}.{number}.log") for number in range(1, _MAX_FILES)]
    for older, newer in zip(reversed(numbered), reversed([path, *numbered[:-1]]), strict=True):
        if newer.exists():
            newer.replace(older)


def _covers(path: Path, start: datetime, end: datetime) -> bool:
    # It may be renamed while it is looked for.
    with suppress(FileNotFoundError):
        return any(start <= time <= end for time in _times(path))
    return False


def _times(path: Path) -> Iterator[datetime]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield parse_time(line.partition(" ")[0])
            except ValueError:
                continue  # a line that was torn when the emulator was killed
