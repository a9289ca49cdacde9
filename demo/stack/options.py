"""What a local stack is to be."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.processes.supervisor import PROJECT_DIR
from demo.stack.accounts import BatchAccount, StorageAccount

__all__ = ["Connections", "StackOptions", "Variables", "default_connections"]

Variables = Callable[[StorageAccount, BatchAccount], Mapping[str, str]]
Connections = Callable[[StorageAccount, BatchAccount], Mapping[str, Mapping[str, object]]]


def default_connections(storage: StorageAccount, batch: BatchAccount) -> dict[str, dict[str, object]]:
    """The connections of the example DAGs: both accounts, and a user for the nodes of an MPI pool."""
    return {
        "azure_batch_default": {
            "conn_type": "azurebatch",
            "host": batch.endpoint,
            "login": batch.name,
            "password": batch.key,
            "extra": {"storage_connection_string": storage.connection_string},
        },
        "mpi_nodes": {
            "conn_type": "generic",
            "password": secrets.token_urlsafe(24),
            "extra": {"private_key": _private_key()},
        },
    }


def _private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@dataclass(frozen=True)
class StackOptions:
    """Settings of a `LocalStack`.

    Parameters:
        work_dir: everything the stack writes is below it; kept data is used again.
        dags_folder: DAG files; None leaves Airflow out.
        with_emulator: whether the Batch emulator runs.
        containers: made in the storage account before anything else starts.
        public_containers: those of them whose blobs can be read without a key, e.g. by a player.
        subscriptions: for the local Event Grid, each `container=...,queue=...[,...]`; none leaves it out.
        event_grid_options: further arguments for it, e.g. `("--duplicate-rate", "0.5")`.
        emulator_options: further arguments for the Batch emulator, e.g. `("--dedicated-core-quota", "0")`.
        connections: Airflow connections by id, in Airflow's JSON form, made from the two accounts.
        parallelism: worker processes of Airflow's LocalExecutor.
        paused: whether DAGs are paused when they are first seen.
        metadata_url: SQLAlchemy URL of Airflow's database; a SQLite file unless given.
        airflow_env: more variables for Airflow, made from the two accounts; these win.
        preferred_ports: take the usual ports where they are free. Tests take any.
        cache_dir: kept between runs: the template of Airflow's database.
        interrupted: whether the user wants an end; asked while the stack starts and at every check.
    """

    work_dir: Path
    dags_folder: Path | None = None
    with_emulator: bool = True
    containers: tuple[str, ...] = ("incoming", "inputs", "outgoing", "raw")
    public_containers: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = (
        "container=incoming,queue=blob-events",
        "container=raw,queue=flight-files,prefix=flights/,events=created",
    )
    event_grid_options: tuple[str, ...] = ()
    emulator_options: tuple[str, ...] = ()
    connections: Connections = default_connections
    parallelism: int = 4
    paused: bool = False
    metadata_url: str | None = None
    airflow_env: Variables = lambda _storage, _batch: {}
    preferred_ports: bool = False
    cache_dir: Path = PROJECT_DIR / ".cache" / "airflow"
    interrupted: Callable[[], bool] = lambda: False
