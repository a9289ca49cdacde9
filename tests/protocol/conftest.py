"""One emulator for all protocol tests; each test uses ids of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from demo.stack.accounts import StorageAccount
from tests.protocol.answers import check_answers
from tests.protocol.driver import Driver, open_driver
from tests.protocol.server import Server, running_server
from tests.protocol.world import World, populated


@pytest.fixture(scope="session")
def server(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An emulator with linked storage."""
    with running_server(tmp_path_factory.mktemp("emulator"), azurite) as running:
        yield running


@pytest.fixture(params=["sync", "aio"])
async def batch(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Driver]:
    """The official client of both kinds."""
    async with open_driver(request.param, server.endpoint, server.account, server.key) as driver:
        yield driver
        check_answers(driver.recorder.answers)


@pytest.fixture
async def aio_batch(server: Server) -> AsyncIterator[Driver]:
    """The aio client, where the kind makes no difference."""
    async with open_driver("aio", server.endpoint, server.account, server.key) as driver:
        yield driver
        check_answers(driver.recorder.answers)


@pytest.fixture
def name() -> str:
    """An id that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def own_server(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An emulator for tests that look at the whole account."""
    with running_server(tmp_path_factory.mktemp("own"), azurite) as running:
        yield running


@pytest.fixture(scope="session")
def world(own_server: Server) -> Iterator[World]:
    """An account with something in every state."""
    with populated(own_server) as built:
        yield built
