"""What a running emulator leaves in its data folder, so that others find it. No key is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from batch_emulator.journal.lock import holder_of

__all__ = ["LOG_NAME", "RunRecord", "find", "remove", "write"]

LOG_NAME = "emulator.log"
_FILE_NAME = "emulator.json"


@dataclass(frozen=True)
class RunRecord:
    """A running emulator.

    :param facts: what it announced, by name; without keys.
    """

    process_id: int
    facts: Mapping[str, str]

    @property
    def endpoint(self) -> str:
        """URL of the account; empty while it starts."""
        return self.facts.get("endpoint", "")


def write(data_dir: Path, facts: Mapping[str, str]) -> None:
    """Say that this process serves the account of a folder."""
    record = RunRecord(os.getpid(), {name: value for name, value in facts.items() if name != "key"})
    path = data_dir / _FILE_NAME
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(record)), "utf-8")
    partial.replace(path)


def remove(data_dir: Path) -> None:
    """This process serves it no more. What another one wrote stays."""
    found = _read(data_dir)
    if found is not None and found[0] == os.getpid():
        with suppress(FileNotFoundError):
            (data_dir / _FILE_NAME).unlink()


def find(data_dir: Path) -> RunRecord | None:
    """The emulator that works on a folder; ``None`` when there is none."""
    process_id = holder_of(data_dir)
    if process_id is None:
        return None
    facts = _read(data_dir)
    return RunRecord(process_id, facts[1] if facts and facts[0] == process_id else {})


def _read(data_dir: Path) -> tuple[int, dict[str, str]] | None:
    try:
        record = json.loads((data_dir / _FILE_NAME).read_text("utf-8"))
        return int(record["process_id"]), dict(record["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
