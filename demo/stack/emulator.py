"""The Batch emulator as a component."""

from __future__ import annotations

import sys
from pathlib import Path

from demo.processes.readiness import port_open
from demo.processes.supervisor import Component
from demo.stack.accounts import BatchAccount, StorageAccount

__all__ = ["NAME", "emulator_component"]

NAME = "batch-emulator"


def emulator_component(batch: BatchAccount, port: int, storage: StorageAccount, data_dir: Path) -> Component:
    """`batch-emulator serve`.

    Parameters:
        batch: the account it serves.
        port: where.
        storage: the account's auto-storage: application packages, containers named by tasks.
        data_dir: journal and node directories.
    """
    return Component(
        name=NAME,
        argv=(
            *(sys.executable, "-m", "batch_emulator.cli", "serve"),
            *("--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data_dir)),
            *("--account", batch.name, "--key", batch.key),
            *("--storage-connection-string", storage.connection_string),
        ),
        env={},
        readiness=lambda: port_open(port),
        stop_seconds=10.0,
    )
