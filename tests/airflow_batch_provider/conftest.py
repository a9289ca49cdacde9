"""What tests of the provider share: a home for Airflow, and a real emulator behind a real connection."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from demo.stack.accounts import StorageAccount
from tests.protocol.server import Server, running_server

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
if "AIRFLOW_HOME" not in os.environ:
    _home = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW_HOME"] = _home
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(scope="session")
def emulator(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Batch account of its own, with Azurite as its linked storage and no quota of dedicated cores.

    Tests use ids of their own.
    """
    folder = tmp_path_factory.mktemp("emulator")
    with running_server(folder, azurite.connection_string, "--dedicated-core-quota", "0") as server:
        yield server


@pytest.fixture
def batch_conn_id(emulator: Server, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of an Airflow connection to the emulator and its storage account."""
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.account,
        "password": emulator.key,
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    monkeypatch.setenv("AIRFLOW_CONN_BATCH_LOCAL", json.dumps(connection))
    return "batch_local"
