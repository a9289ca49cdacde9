"""Azurite as a component: blobs, queues and tables of one storage account."""

from __future__ import annotations

from pathlib import Path

from demo.azurite.node import azurite_script, node_binary
from demo.processes.readiness import port_open
from demo.processes.supervisor import Component
from demo.stack.accounts import StorageAccount

__all__ = ["NAME", "azurite_component"]

NAME = "azurite"


def azurite_component(storage: StorageAccount, data_dir: Path) -> Component:
    """Azurite with its data on disk.

    Parameters:
        storage: names the ports.
        data_dir: where blobs and queues are kept.

    Raises:
        NodeMissingError: Node.js or Azurite is not installed.
    """
    ports = (storage.blob_port, storage.queue_port, storage.table_port)
    flags = ("--blobPort", "--queuePort", "--tablePort")
    checks = [port_open(port) for port in ports]
    return Component(
        name=NAME,
        argv=(
            str(node_binary()),
            str(azurite_script()),
            "--silent",
            "--skipApiVersionCheck",  # the newest client speaks a newer version than Azurite knows
            "--disableTelemetry",  # with it the process would need 40 s to end
            "--location",
            str(data_dir),
            *(part for flag, port in zip(flags, ports, strict=True) for part in (flag, str(port))),
        ),
        env={},
        readiness=lambda: lambda: all(check() for check in checks),
        stop_seconds=8.0,
    )
