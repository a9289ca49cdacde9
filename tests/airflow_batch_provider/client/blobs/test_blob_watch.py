"""Watching a real container: what is announced, what waits, and what a crash leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from airflow_batch_provider.client.blobs.blob_watch import WatchedContainer
from airflow_batch_provider.client.blobs.blob_watermark import Watermark
from airflow_batch_provider.client.blobs.watermark_store import AssetWatermarkStore, BlobWatermarkStore
from airflow_batch_provider.spec.blob_batching import BlobBatching
from airflow_batch_provider.spec.blob_filter import BlobFilter
from tests.airflow_batch_provider.client.blobs.bench import (
    PAGE,
    WAIT,
    Bench,
    Refusing,
    State,
    next_names,
    until,
    waiting,
)

pytestmark = pytest.mark.slow


async def test_new_blobs_and_those_that_are_written_again_are_found_once_and_old_ones_are_not(
    bench: Bench,
) -> None:
    await bench.upload("old", "again")
    found = await bench.begun(bench.watched())
    await bench.upload("a", "again")
    names: list[str] = []
    while len(names) < 2:
        names += await next_names(found)
    await bench.upload("z")

    assert (sorted(names), await next_names(found)) == (["a", "again"], ["z"])


async def test_an_event_is_that_of_event_grid(bench: Bench) -> None:
    await bench.upload("scans/1.tiff", data=b"four")
    properties = await bench.container.get_blob_client("scans/1.tiff").get_blob_properties()

    page = await asyncio.wait_for(anext(bench.found(bench.watched(existing=True))), WAIT)

    (event,) = page.events
    assert event.kind == "created"
    assert (event.url, event.size) == (f"http://s/{bench.name}/scans/1.tiff", 4)
    assert (event.etag, event.content_type) == (properties.etag.strip('"'), "application/octet-stream")
    assert dt.datetime.fromisoformat(event.time.replace("Z", "+00:00")) == properties.last_modified


async def test_what_was_not_stored_is_found_again_by_the_same_watch_and_after_a_crash(bench: Bench) -> None:
    await bench.upload("a", "b")
    watched = bench.watched(existing=True)
    found = bench.found(watched)
    assert await next_names(found, stored=False) == ["a", "b"]
    await asyncio.wait_for(anext(found), WAIT)  # and dies with it

    restarted = bench.found(watched)
    assert await next_names(restarted) == ["a", "b"]
    await bench.upload("c")
    assert await next_names(restarted) == ["c"]


async def test_a_look_that_waits_for_airflow_does_not_put_off_the_next(bench: Bench) -> None:
    await bench.upload("a")
    found = bench.found(bench.watched(existing=True))
    page = await asyncio.wait_for(anext(found), WAIT)
    looking = asyncio.ensure_future(anext(found))
    await asyncio.sleep(0.5)  # as long as Airflow takes to store an event
    await bench.upload("b")
    stored = asyncio.get_running_loop().time()
    page.stored.set_result(True)

    following = await asyncio.wait_for(looking, WAIT)

    assert [event.name for event in following.events] == ["b"]
    assert asyncio.get_running_loop().time() - stored < 1.0


async def test_blobs_wait_while_there_is_no_room_for_more_runs(bench: Bench) -> None:
    await bench.upload("a", "b", "c")
    found = bench.found(
        replace(bench.watched(existing=True), batching=BlobBatching(max_batch=2), spacing=0.05)
    )
    assert await next_names(found) == ["a", "b"]
    bench.room.clear()
    looking = asyncio.ensure_future(anext(found))
    done, _ = await asyncio.wait([looking], timeout=0.5)
    assert not done

    bench.room.set()

    assert [event.name for event in (await asyncio.wait_for(looking, WAIT)).events] == ["c"]


async def test_blobs_that_wait_for_others_survive_a_triggerer_that_dies(bench: Bench) -> None:
    batching = BlobBatching(min_batch=3, max_batch=3, longest_wait=3600)
    watched = replace(bench.watched("scans/{%Y/%m/%d}/"), batching=batching, lookback=0)
    a, b, c, d = (f"scans/{dt.datetime.now(dt.timezone.utc):%Y/%m/%d}/{name}" for name in "abcd")
    first = await bench.begun(watched)
    died = asyncio.ensure_future(anext(first))
    await bench.upload(a, b, d)
    await bench.container.delete_blob(d)  # does not count: there are two
    await bench.until_mark(lambda mark: waiting(mark) == 2)
    died.cancel()

    restarted = bench.found(watched)
    looking = asyncio.ensure_future(anext(restarted))
    await bench.upload(a, data=b"newer")
    await bench.upload(c)
    page = await asyncio.wait_for(looking, WAIT)
    page.stored.set_result(True)
    following = asyncio.ensure_future(anext(restarted))
    await bench.until_mark(lambda mark: waiting(mark) == 0)
    assert [(event.name, event.size) for event in page.events] == [(a, 5), (b, 1), (c, 1)]

    assert not following.done()
    following.cancel()


async def test_what_waits_is_announced_when_no_more_come(bench: Bench) -> None:
    watched = replace(bench.watched(), batching=BlobBatching(quiet_period=0.4))
    found = await bench.begun(watched)
    looking = asyncio.ensure_future(next_names(found))
    for name in "abc":
        await bench.upload(name)
        await bench.until_mark(lambda mark: waiting(mark) > 0)

    assert await looking == ["a", "b", "c"]


async def test_two_announcements_are_some_time_apart(bench: Bench) -> None:
    await bench.upload(*(f"{n:02}" for n in range(PAGE + 1)))
    found = bench.found(replace(bench.watched(existing=True), spacing=0.5))
    begin = asyncio.get_running_loop().time()

    assert len(await next_names(found)) == PAGE
    assert await next_names(found) == ["10"]
    assert asyncio.get_running_loop().time() - begin >= 0.5


async def test_a_watermark_is_left_to_the_next_process(bench: Bench) -> None:
    await bench.upload("old")
    watched = bench.watched()
    first = await bench.begun(watched)
    await bench.upload("a")
    assert await next_names(first) == ["a"]
    looking = asyncio.ensure_future(anext(first))
    await bench.until_mark(lambda mark: len(Watermark.from_plain(mark).known) == 2)
    looking.cancel()
    await bench.upload("while it is down")

    assert await next_names(bench.found(watched)) == ["while it is down"]


async def test_only_what_is_wanted_is_found(bench: Bench) -> None:
    await bench.upload("a.csv", "b.txt", "empty.csv")
    await bench.upload("empty.csv", data=b"")

    wanted = BlobFilter.of("test", suffix=".csv", min_bytes=1)

    assert await next_names(bench.found(bench.watched(wanted=wanted, existing=True))) == ["a.csv"]


async def test_folders_of_a_hierarchical_namespace_are_no_blobs(bench: Bench) -> None:
    await bench.container.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
    await bench.upload("folder/a")

    assert await next_names(bench.found(bench.watched(existing=True))) == ["folder/a"]


async def test_trouble_is_told_once_and_waited_out(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bench.container = bench.service.get_container_client("not-yet-" + bench.name)
    first = asyncio.ensure_future(anext(bench.found(replace(bench.watched(existing=True), every=0.01))))
    while "ContainerNotFound" not in caplog.text:
        await asyncio.sleep(0.01)
    await bench.container.create_container()
    await bench.upload("a")

    page = await asyncio.wait_for(first, WAIT)

    assert [event.name for event in page.events] == ["a"]
    assert caplog.text.count("can't be watched") == 1


async def test_the_watermark_makes_the_listing_begin_further_on(bench: Bench) -> None:
    watched = bench.watched(overlap=0, existing=True, name_order=True)
    await bench.upload("1", "2")
    found = bench.found(watched)
    assert await next_names(found) == ["1", "2"]
    looking = asyncio.ensure_future(anext(found))
    await bench.until_mark(lambda mark: mark["starts"] == {"": "2"})
    await bench.upload("0", "3")
    page = await asyncio.wait_for(looking, WAIT)
    assert [event.name for event in page.events] == ["3"]


def store_of(bench: Bench, state: State, watched: WatchedContainer) -> AssetWatermarkStore:
    earlier = BlobWatermarkStore(bench.work, "earlier")
    return AssetWatermarkStore(
        state, watched.watermark_name("http://s"), earlier, watched.successive_name("http://s")
    )


async def test_a_changed_filter_decides_about_blobs_that_wait_and_those_that_came_meanwhile(
    bench: Bench,
) -> None:
    state = State()
    batching = BlobBatching(min_batch=9, longest_wait=3600)
    of_pages = replace(bench.watched(wanted=BlobFilter(suffix=(".tiff", ".tif"))), batching=batching)
    first = bench.watch(of_pages, store_of(bench, state, of_pages)).found()
    looking = asyncio.ensure_future(anext(first))
    await until(lambda: of_pages.watermark_name("http://s") in state.values)
    await bench.upload("waits.tiff", "waits.tif", "text.txt")
    await until(lambda: waiting(state.values[of_pages.watermark_name("http://s")]) == 2)
    looking.cancel()
    await bench.upload("meanwhile.tiff", "meanwhile.tif")

    changed = bench.watched(wanted=BlobFilter(suffix=(".tiff",)))
    bench.watching.append(bench.watch(changed, store_of(bench, state, changed)).found())
    found = bench.watching[-1]
    assert await next_names(found) == ["meanwhile.tiff", "waits.tiff"]

    await bench.upload("later.tiff")
    assert await next_names(found) == ["later.tiff"]


async def test_a_watch_that_announces_what_is_there_does_so_with_each_filter(bench: Bench) -> None:
    state = State()
    await bench.upload("a.tiff", "a.txt")
    for suffix, expected in ((".tiff", ["a.tiff"]), ("", ["a.tiff", "a.txt"])):
        watched = bench.watched(wanted=BlobFilter(suffix=(suffix,) if suffix else ()), existing=True)
        bench.watching.append(bench.watch(watched, store_of(bench, state, watched)).found())
        assert await next_names(bench.watching[-1]) == expected


async def test_the_log_says_when_it_is_the_watermark_that_cannot_be_had_and_what_becomes_of_blobs(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await bench.upload("a")
    bench.watching.append(bench.watch(bench.watched(), Refusing(bench.work, "mark")).found())
    looking = asyncio.ensure_future(anext(bench.watching[-1]))

    await until(lambda: "its watermark could not be read or written: HttpResponseError" in caplog.text)

    assert "found later only if it was watched before, or with existing=True." in caplog.text
    looking.cancel()
