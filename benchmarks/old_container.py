"""What a look of the listing watcher costs in a container of a million blobs, against one of 20,000.

Both get 500 blobs a day; the one is 40 days old, the other five years and a half. Ten blobs are new, which
the look must find, and nothing else. A stand-in holds the names (:mod:`benchmarks.name_server`); the watcher
is a process of its own for each measurement: its requests, bytes received, seconds of CPU, how much its
memory grows at most, and for how long it keeps the other triggers of its loop waiting at most.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import ContainerClient

from airflow_batch_provider.client.blobs.aside import held_aside
from airflow_batch_provider.client.blobs.blob_lister import BlobLister
from airflow_batch_provider.client.blobs.blob_watch import BlobWatch, WatchedContainer
from airflow_batch_provider.client.blobs.blob_watermark import Watermark, Window
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.blob_places import BlobPlaces
from benchmarks.name_server import name
from benchmarks.table import Row

FEW, MANY, NEW, _OVERLAP = 20_000, 1_000_000, 10, 60
_UNITS = {"requests": "requests", "bytes": "KB", "cpu": "s CPU", "memory": "MB", "pause": "s pause"}
_WAYS = {
    "dates in the prefix": ("scans/{%Y/%m/%d}/", False),
    "names in order": ("scans/", True),
    "all in one place": ("scans/", False),
}


def rows() -> list[Row]:
    """Each way, the great container against the small one."""
    with _server(FEW) as small, _server(MANY) as great:
        return [row for way in _WAYS for row in _compared(way, _measured(great, MANY, way), small)]


def _compared(way: str, great: dict[str, float], small: int) -> Iterator[Row]:
    few = _measured(small, FEW, way)
    for what, unit in _UNITS.items():
        yield Row(f"a look at {MANY} blobs, {way}", great[what], unit, f"at {FEW}", few[what])


def _measured(port: int, count: int, way: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.old_container", str(port), str(count), way]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


@contextmanager
def _server(count: int) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.name_server", str(port), str(count)])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, "the server has ended"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


class _Counting(AioHttpTransport):
    """Requests, and bytes of their answers."""

    requests = received = 0

    async def send(self, request: Any, **options: Any) -> Any:
        answer = await super().send(request, **options)
        self.requests += 1
        self.received += int(answer.headers.get("Content-Length", 0))
        return answer


class _Store:
    """A watermark that is not kept: there is one look."""

    async def read(self) -> None:
        pass

    async def write(self, watermark: Mapping[str, Any]) -> None:
        pass


async def _look(port: int, count: int, way: str) -> dict[str, float]:
    prefix, in_order = _WAYS[way]
    transport = _Counting()
    key = AzureNamedKeyCredential("a", "a2V5")
    url = f"http://127.0.0.1:{port}/a"
    listing = ContainerClient(url, "c", credential=key, transport=transport)
    async with ContainerClient(url, "c", credential=key) as client, held_aside(listing):
        new = [name(count - 1, count, f"new-{number:02}") for number in range(NEW)]
        for each in new:
            await client.upload_blob(each, b"x")
        window = Window(overlap=_OVERLAP, name_order=in_order)
        watched = WatchedContainer("c", BlobPlaces(prefix), BlobFilter(), window)
        watch = BlobWatch(watched, listing, _Store(), lambda *where: "/".join(where), _always)
        await BlobLister(listing, watch._clock).now()  # which each watch asks for once
        now = int(time.time())
        watch._mark = Watermark(now - _OVERLAP, now - _OVERLAP, {}, {"scans/": name(count - 1, count)})
        pauses = [0.0]
        other = asyncio.create_task(_other_trigger(pauses))
        memory, cpu = _memory_now(), time.process_time()
        transport.requests = transport.received = 0
        found: list[str] = []
        async for page in watch._look():
            found += [event.name for event in page.events]
            page.stored.set_result(True)
        cpu, memory = time.process_time() - cpu, _memory("VmHWM") - memory
        await asyncio.sleep(0.02)
        other.cancel()
        assert sorted(found) == new, found
        return {
            "requests": transport.requests,
            "bytes": transport.received / 1000,
            "cpu": cpu,
            "memory": memory / 1000,
            "pause": max(pauses),
        }


async def _other_trigger(pauses: list[float]) -> None:
    """One that wants to go on after every hundredth of a second: how much later it does."""
    while True:
        due = time.perf_counter() + 0.01
        await asyncio.sleep(0.01)
        pauses.append(time.perf_counter() - due)


async def _always() -> bool:
    return True


def _memory_now() -> int:
    """In KB; its peak begins anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(which: str) -> int:
    """In KB, as the kernel has it."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(f"{which}:") + 1])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_look(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))))
