"""A Batch account in this process: its nodes and its region do what a test wants, its clock can be moved."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from batch_emulator.testing import LocalBatch
from demo.stack.accounts import StorageAccount


@pytest.fixture(scope="module")
def local(azurite: StorageAccount) -> Iterator[LocalBatch]:
    with LocalBatch(storage=azurite.connection_string) as batch:
        yield batch


@pytest.fixture
def conn_id(local: LocalBatch, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A connection to it; the account is empty again afterwards, and nothing goes wrong."""
    connection = {
        "conn_type": "azurebatch",
        "host": local.endpoint,
        "login": local.account,
        "password": local.key,
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL", json.dumps(connection))
    yield "local"
    local.reset()
