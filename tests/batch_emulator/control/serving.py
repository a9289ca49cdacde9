"""A real emulator in this process, with an HTTP client that signs nothing and one that is Azure's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY
from batch_emulator.runtime.emulator import Emulator
from batch_emulator.runtime.server import Listeners, listen, running
from batch_emulator.runtime.settings import Settings


class Place:
    """Where an emulator is served."""

    def __init__(self, url: str, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.emulator = emulator
        self.session = session

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Send a request of the emulator's own. Returns status and parsed body."""
        if body is not None:
            more["json"] = body
        async with self.session.request(method, f"{self.url}/emulator/{path}", **more) as response:
            return response.status, await response.json()

    def client(self, retries: int = 0) -> BatchClient:
        credential = AzureNamedKeyCredential(ACCOUNT_NAME, PRIMARY_KEY)
        return BatchClient(self.url, credential, retry_total=retries, retry_backoff_factor=0.01)


@asynccontextmanager
async def serving(data_dir: Path, **settings: Any) -> AsyncIterator[Place]:
    """Serve an account until the end of the block."""
    with listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            running(Settings(data_dir, url, **settings), Listeners(listener)) as served,
            aiohttp.ClientSession() as session,
        ):
            yield Place(url, served.emulator, session)
