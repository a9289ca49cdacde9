"""The local Event Grid as a component."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from batch_emulator.events.cli import READY_LINE
from demo.processes.readiness import line_in
from demo.processes.supervisor import Component
from demo.stack.accounts import StorageAccount

__all__ = ["NAME", "eventgrid_component"]

NAME = "event-grid"
_CONNECTION_STRING = "EVENT_GRID_STORAGE_CONNECTION_STRING"


def eventgrid_component(
    storage: StorageAccount,
    subscriptions: Sequence[str],
    data_dir: Path,
    log: Path,
    options: Sequence[str] = (),
) -> Component:
    """Blob events of some containers into queues.

    Parameters:
        storage: the account that is watched.
        subscriptions: each as `container=incoming,queue=blob-events[,...]`.
        data_dir: its memory.
        log: where the component's output goes; the ready line is read there.
        options: further arguments, e.g. `--duplicate-rate 0.5`.
    """
    return Component(
        name=NAME,
        argv=(
            *(sys.executable, "-m", "batch_emulator.events"),
            *("--storage-connection-string-env", _CONNECTION_STRING, "--data-dir", str(data_dir)),
            *(part for text in subscriptions for part in ("--subscribe", text)),
            *options,
        ),
        env={_CONNECTION_STRING: storage.connection_string},
        readiness=lambda: line_in(log, READY_LINE),
    )
