"""What a look at a real container lists, and by how many requests."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from typing import Any

import pytest

from airflow_batch_provider.client.blobs.blob_lister import BlobLister, ServiceClock
from airflow_batch_provider.spec.blob_places import BlobPlaces
from tests.airflow_batch_provider.client.blobs.bench import PAGE, WAIT, Bench

pytestmark = pytest.mark.slow


async def requests_of_a_look(bench: Bench, places: list[str], start: str = "") -> tuple[int, list[str]]:
    """The requests that were really made, and what they listed."""
    clock = ServiceClock()
    await BlobLister(bench.listed, clock).now()
    lister = BlobLister(bench.listed, clock, PAGE)
    names = [
        blob.name
        for place in places
        for beginning in await lister.beginnings(place)
        async for page in lister.pages(beginning, start)
        for blob in page
    ]
    return lister.requests, names


async def test_what_storage_answers_is_read_beside_the_loop_of_the_triggerer(bench: Bench) -> None:
    went_on = threading.Event()

    class SlowlyRead(ServiceClock):
        in_time = False

        def read(self, response: Any) -> None:
            self.in_time = went_on.wait(WAIT / 10)
            super().read(response)

    clock = SlowlyRead()
    listing = asyncio.ensure_future(BlobLister(bench.listed, clock, PAGE).now())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.1, went_on.set)

    await listing
    assert clock.in_time


async def test_old_blobs_do_not_make_a_look_dearer_where_names_have_dates_or_grow(bench: Bench) -> None:
    now = dt.datetime(2026, 11, 26, tzinfo=dt.timezone.utc)
    places = list(BlobPlaces("{%Y/%m/%d}/").between(now - dt.timedelta(days=1), now))
    fresh = ["2026/11/25/z", "2026/11/26/a", "2026/11/26/b"]
    await bench.upload(*fresh)
    assert await requests_of_a_look(bench, places) == (2, fresh)
    assert (await requests_of_a_look(bench, [""]))[0] == 1

    for day in range(1, 25):
        await bench.upload(*(f"2026/11/{day:02}/{n}" for n in range(PAGE)))

    assert await requests_of_a_look(bench, places) == (2, fresh)
    assert await requests_of_a_look(bench, [""], start="2026/11/25/z") == (1, fresh)
    assert (await requests_of_a_look(bench, [""]))[0] == 25  # 243 blobs, ten a page


async def test_folders_are_walked_through_once_a_look(bench: Bench) -> None:
    await bench.upload(
        "sensors/a/2026-11-25/1", "sensors/b/2026-11-26/1", "sensors/b/2025-01-01/1", "sensors/c"
    )
    now = dt.datetime(2026, 11, 26, tzinfo=dt.timezone.utc)
    places = list(BlobPlaces("sensors/*/{%Y-%m-%d}/").between(now - dt.timedelta(days=1), now))

    requests, names = await requests_of_a_look(bench, places)

    assert names == ["sensors/a/2026-11-25/1", "sensors/b/2026-11-26/1"]
    assert requests == 1 + 2 * 2
