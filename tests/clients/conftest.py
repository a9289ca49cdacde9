"""One emulator, over http and https, for all older and foreign clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.batch_emulator.runtime.served import Served, served
from tests.clients.older_python import OlderPython


@pytest.fixture(scope="session")
def older_python(tmp_path_factory: pytest.TempPathFactory) -> OlderPython:
    return OlderPython(tmp_path_factory.mktemp("older") / "venv")


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path / "data", "--https-port", "0") as running:
        yield running
