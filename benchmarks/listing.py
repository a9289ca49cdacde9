"""What a look of the listing watcher costs in a container of 20,000 blobs, against listing all of them.

Blobs lie in a folder a day, forty days of them, in Azurite. Each watch has its first look, then ten new blobs
come, and its next look is measured: requests, and seconds from the first of them to the end of the last. The
ten must be found, and nothing else.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import ContainerClient

from airflow_batch_provider.client.blobs.aside import aside, held_aside
from airflow_batch_provider.client.blobs.blob_watch import BlobWatch, WatchedContainer
from airflow_batch_provider.client.blobs.blob_watermark import Window
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.blob_places import BlobPlaces
from benchmarks.table import Row
from demo.stack import LocalStack, StackOptions

BLOBS, DAYS, NEW = 20_000, 40, 10
_CONTAINER, _AT_ONCE = "watched", 16
_OVERLAP = 20
"""Seconds. Short, so that soon there is a name that is older than the overlap twice."""

_WAYS = {
    "all in one place": ("scans/", False),
    "dates in the prefix": ("scans/{%Y/%m/%d}/", False),
    "names in order": ("scans/", True),
}


def rows() -> list[Row]:
    """Requests and seconds of a look, each way."""
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as name:
        options = StackOptions(
            Path(name) / "stack", with_emulator=False, containers=(_CONTAINER,), subscriptions=()
        )
        with LocalStack(options) as stack:
            return asyncio.run(_rows(stack.storage.connection_string))


async def _rows(connection: str) -> list[Row]:
    await _upload(connection, [_name(number) for number in range(BLOBS)])
    await asyncio.sleep(2.2 * _OVERLAP)
    async with _container(connection) as (container, requests):
        assert await aside(_count(container)) == BLOBS
        everything = requests.since(0)
    result = []
    for way in _WAYS:
        async with _container(connection) as (container, requests):
            count, seconds = await _second_look(connection, container, requests, way)
        title = f"a look at {BLOBS} blobs, {way}"
        result.append(Row(title, count, "requests", "listing all of them", everything[0]))
        result.append(Row("the same", seconds, "s", "listing all of them", everything[1]))
    return result


class _Requests(AioHttpTransport):
    """When each request was sent, and when the last one was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[float] = []
        self.answered = 0.0

    async def send(self, request: Any, **options: Any) -> Any:
        self.sent.append(time.perf_counter())
        answer = await super().send(request, **options)
        self.answered = time.perf_counter()
        return answer

    def since(self, first: int) -> tuple[int, float]:
        """How many there were from this one on, and the seconds that they took."""
        return len(self.sent) - first, self.answered - self.sent[first]


class _Store:
    """A watermark in memory."""

    def __init__(self) -> None:
        self.mark: Mapping[str, Any] | None = None

    async def read(self) -> Mapping[str, Any] | None:
        return self.mark

    async def write(self, watermark: Mapping[str, Any]) -> None:
        self.mark = watermark


@asynccontextmanager
async def _container(connection: str) -> AsyncIterator[tuple[ContainerClient, _Requests]]:
    requests = _Requests()
    client = ContainerClient.from_connection_string(connection, _CONTAINER, transport=requests)
    async with held_aside(client):
        yield client, requests


async def _count(container: ContainerClient) -> int:
    return len([blob async for blob in container.list_blobs(name_starts_with="scans/")])


async def _upload(connection: str, names: list[str]) -> None:
    free = asyncio.Semaphore(_AT_ONCE)
    async with ContainerClient.from_connection_string(connection, _CONTAINER) as container:

        async def one(name: str) -> None:
            async with free:
                await container.upload_blob(name, b"x")

        await asyncio.gather(*map(one, names))


def _name(number: int, kind: str = "a") -> str:
    """Of a blob: the last day is today, and names grow with time."""
    today = datetime.now(timezone.utc)
    day = today - timedelta(days=DAYS - 1 - number * DAYS // BLOBS)
    return f"scans/{day:%Y/%m/%d}/{kind}-{number:06}.csv"


async def _second_look(
    connection: str, container: ContainerClient, requests: _Requests, way: str
) -> tuple[int, float]:
    prefix, in_order = _WAYS[way]
    window = Window(overlap=_OVERLAP, name_order=in_order)
    watched = WatchedContainer(_CONTAINER, BlobPlaces(prefix), BlobFilter(), window)
    watch = BlobWatch(watched, container, _Store(), lambda *where: "/".join(where), _always)
    await _look(watch)
    kind = f"new-{list(_WAYS).index(way)}"
    new = [_name(BLOBS - 1, f"{kind}-{number:02}") for number in range(NEW)]
    await _upload(connection, new)
    before = len(requests.sent)
    found = await _look(watch)
    assert sorted(found) == new, found
    return requests.since(before)


async def _look(watch: BlobWatch) -> list[str]:
    """The names that one look finds."""
    names: list[str] = []
    async for found in watch._look():
        names += [event.name for event in found.events]
        found.stored.set_result(True)
    return names


async def _always() -> bool:
    return True
