"""What tests of the provider share: a real emulator behind a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from demo.processes.supervisor import Supervisor
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.emulator import NAME, emulator_component
from demo.stack.ports import PortPicker

_KEY = "cHJvdmlkZXItdGVzdHMtcHJpbWFyeS1rZXktcHJvdmlkZXItdGVzdHMtcHJpbWFyeS1rZXktYWI="


@pytest.fixture(autouse=True, scope="session")
def process_of_airflow() -> None:
    """Airflow 3.1 reads connections asynchronously only in a process that it has started itself."""
    if version("apache-airflow").startswith("3.1."):
        from airflow.sdk.execution_time import task_runner

        task_runner.SUPERVISOR_COMMS = getattr(task_runner, "SUPERVISOR_COMMS", None)


@pytest.fixture(scope="session")
def emulator(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchAccount]:
    """A Batch account of its own, with Azurite as its linked storage and no quota of dedicated cores.

    Tests use ids of their own.
    """
    folder = tmp_path_factory.mktemp("emulator")
    port = PortPicker(use_preferred=False).take(NAME, 0)
    account = BatchAccount(f"http://127.0.0.1:{port}", "providertests", _KEY)
    options = ("--dedicated-core-quota", "0")
    with Supervisor(folder) as processes:
        log = processes.log_of(NAME)
        processes.start(emulator_component(account, port, azurite, folder / "data", log, options))
        processes.wait_ready(NAME)
        yield account


@pytest.fixture
def batch_conn_id(emulator: BatchAccount, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of an Airflow connection to the emulator and its storage account."""
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    monkeypatch.setenv("AIRFLOW_CONN_BATCH_LOCAL", json.dumps(connection))
    return "batch_local"
