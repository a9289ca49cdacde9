"""A container to watch."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.storage.blob.aio import BlobServiceClient

from airflow_batch_provider.client.blobs.aside import held_aside
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.client.blobs.bench import Bench


@pytest.fixture
async def bench(azurite: StorageAccount) -> AsyncIterator[Bench]:
    clients = [BlobServiceClient.from_connection_string(azurite.connection_string) for _ in range(2)]
    async with clients[0] as service, held_aside(clients[1]) as listing:
        bench = Bench(service, listing)
        await bench.container.create_container()
        await bench.work.create_container()
        yield bench
        for watching in bench.watching:
            await watching.aclose()  # type: ignore[attr-defined]
