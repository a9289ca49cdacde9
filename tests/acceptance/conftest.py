"""An account with linked storage, emptied after each test; its clock can be advanced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batch_emulator.testing import LocalBatch
from batch_emulator.testing.storage import LocalStorage
from demo.stack.accounts import StorageAccount

SECONDS = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "acceptance" in item.path.parts:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def acceptance_server(azurite: StorageAccount) -> Iterator[LocalBatch]:
    """One emulator for all points of the checklist."""
    with LocalBatch(storage=LocalStorage(azurite.connection_string)) as running:
        yield running


@pytest.fixture
def account(acceptance_server: LocalBatch) -> Iterator[LocalBatch]:
    """An empty account."""
    yield acceptance_server
    acceptance_server.faults.clear()
    acceptance_server.reset()


def until(question: Callable[[], Any]) -> Any:
    """Ask until the answer is true; fail after a bounded time."""
    deadline = time.monotonic() + SECONDS
    while not (answer := question()):
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)
    return answer
