"""The Batch emulator as a component."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from batch_emulator.cli import READY_LINE
from demo.processes.readiness import line_in
from demo.processes.supervisor import Component
from demo.stack.accounts import BatchAccount, StorageAccount

__all__ = ["NAME", "emulator_component"]

NAME = "batch-emulator"
_KEY = "BATCH_EMULATOR_KEY"
_CONNECTION_STRING = "BATCH_EMULATOR_STORAGE_CONNECTION_STRING"


def emulator_component(
    batch: BatchAccount,
    port: int,
    storage: StorageAccount,
    data_dir: Path,
    log: Path,
    options: Sequence[str] = (),
) -> Component:
    """`batch-emulator serve`.

    Parameters:
        batch: the account it serves.
        port: where.
        storage: the account's auto-storage: application packages, containers named by tasks.
        data_dir: journal and node directories.
        log: where the component's output goes; the ready line is read there.
        options: further arguments, e.g. `--dedicated-core-quota 0`.
    """
    return Component(
        name=NAME,
        argv=(
            *(sys.executable, "-m", "batch_emulator", "serve"),
            *("--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data_dir)),
            *("--account", batch.name, "--key-env", _KEY),
            *("--storage-connection-string-env", _CONNECTION_STRING),
            *options,
        ),
        # By variables: a process list shows arguments to every user of the machine.
        env={_KEY: batch.key, _CONNECTION_STRING: storage.connection_string},
        readiness=lambda: line_in(log, READY_LINE),
        stop_seconds=10.0,
    )
