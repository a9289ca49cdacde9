"""A Batch account in this process: its nodes and its region do what a test wants, its clock can be moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch_emulator.testing import LocalBatch
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.connections import connection_to


@pytest.fixture(scope="module")
def local(azurite: StorageAccount) -> Iterator[LocalBatch]:
    with LocalBatch(storage=azurite.connection_string) as batch:
        yield batch


@pytest.fixture(scope="module")
def account(local: LocalBatch) -> BatchAccount:
    return BatchAccount(local.endpoint, local.account, local.key)


@pytest.fixture
def conn_id(
    local: LocalBatch, account: BatchAccount, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A connection to it; the account is empty again afterwards, and nothing goes wrong."""
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL", connection_to(azurite, account))
    yield "local"
    local.reset()
