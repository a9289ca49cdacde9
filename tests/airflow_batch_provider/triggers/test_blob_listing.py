"""The listing watcher in Airflow's hands: what is refused, what is stored, and when the watermark moves."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.triggers.base import TriggerEvent
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from airflow_batch_provider.client.blobs.blob_watermark import Watermark
from airflow_batch_provider.spec import blob
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.triggers import blob_listing
from airflow_batch_provider.triggers.blob_listing import BlobListedTrigger
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AIRFLOW
from tests.connections import connection_to

WAIT = 30.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"container": ""}, "container is ''"),
        ({"container": "In_Coming"}, "container is 'In_Coming'"),
        ({"watermark_container": "Bad Name"}, "watermark_container is 'Bad Name'"),
        ({"conn_id": ""}, "conn_id is missing"),
        ({"prefix": "/scans/{%Y}/"}, "begins with '/'"),
        ({"prefix": "scans/{ds}/"}, "{ds} is no date"),
        ({"every": 30}, "every is 30"),
        ({"every": timedelta(0)}, "every is 0 s. Give 1 s or more"),
        ({"every": timedelta(milliseconds=200)}, "every is 0.2 s. Give 1 s or more"),
        ({"overlap": 600}, "overlap is 600"),
        ({"lookback": "1 day"}, "lookback is '1 day'"),
        ({"settled_for": timedelta(seconds=-1)}, "settled_for is"),
        ({"max_batch": 0}, "max_batch is 0"),
        ({"min_batch": 5}, "without longest_wait"),
        ({"longest_wait": timedelta(minutes=5)}, "longest_wait is 300 s without min_batch or quiet_period"),
        ({"longest_wait": 0}, "longest_wait is 0 s without min_batch"),
        ({"min_batch": 5, "longest_wait": 0}, "longest_wait is 0 s: no blob waits until there are 5"),
        ({"quiet_period": timedelta.max}, "quiet_period is more than ten years. Give 3653 days or less"),
        ({"min_batch": 5, "longest_wait": timedelta.max}, "longest_wait is more than ten years"),
        ({"every": timedelta.max}, "every is more than ten years"),
        ({"overlap": timedelta.max}, "overlap is more than ten years"),
        ({"lookback": timedelta(days=40_000)}, "lookback is more than ten years"),
        ({"settled_for": timedelta.max}, "settled_for is more than ten years"),
        ({"prefix": "scans/{%Y/%m}/", "pattern": "scans/*.tiff"}, "'scans/{%Y/%m}/' and matches"),
        ({"prefix": "scans/{%Y/%m}/", "pattern": "scan/20[1-3]?/**"}, "write pattern='scans/**'"),
        ({"prefix": "a/*/{%Y}/", "pattern": "b/**"}, "'a/*/{%Y}/' and matches"),
        ({"conn_id": "{{ var.value.conn }}"}, "conn_id is "),
        ({"suffix": [".csv", "{{ var.value.end }}"]}, "suffix is '{{ var.value.end }}', and nothing"),
        ({"pattern": "{{ ds }}/*"}, "and nothing fills in its braces"),
        ({"dag_ids": "{{ dag.dag_id }}"}, "renders no Jinja in a trigger"),
        ({"dag_ids": None}, "dag_ids is None. Write dag_ids=['my_dag']"),
        ({"dag_ids": 5}, "dag_ids is 5"),
        ({"dag_ids": ["a", None]}, "dag_ids is ['a', None]"),
        ({"prefix": "scans/", "pattern": "*.tiff"}, "begins with the prefix 'scans/' and matches"),
        ({"suffix": ".csv", "pattern": "**.tiff"}, "ends with the suffix '.csv' and matches"),
        ({"min_batch": 5, "max_batch": 4, "longest_wait": 1}, "above max_batch"),
        ({"quiet_period": timedelta(seconds=-1)}, "quiet_period is"),
        ({"quiet_period": timedelta(hours=2), "longest_wait": 60}, "60 s, below quiet_period"),
        ({"longest_wait": "1h"}, "longest_wait is '1h'"),
        ({"timezone": "Mars"}, "timezone is 'Mars'"),
        ({"min_bytes": 2, "max_bytes": 1}, "min_bytes is 2"),
        ({"existing": "no"}, "existing is 'no'. It is True or False."),
        ({"in_name_order": "false"}, "in_name_order is 'false'. It is True or False."),
        ({"watermark_container": "incoming"}, "kept in 'incoming', which is watched as a whole"),
        ({"container": "https://a.blob.core.windows.net/c?sig=abc"}, "sig=***"),
    ],
)
def test_what_cannot_work_is_refused_at_parse(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as refused:
        BlobListedTrigger(**{"container": "incoming", **given})

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("prefix", "pattern"),
    [
        ("scans/{%Y/%m}/", "scans/*/*/a?.tiff"),
        ("scans/{%Y/%m}/", "scans/1999/**"),  # it may be so in some year
        ("scans/*/{%Y}/", "scans/lab-7/**"),
        ("", "*.tiff"),
    ],
)
def test_prefix_and_pattern_that_meet(prefix: str, pattern: str) -> None:
    BlobListedTrigger("incoming", prefix, pattern=pattern)


def test_a_trigger_comes_out_of_airflows_database_as_it_went_in() -> None:
    trigger = BlobListedTrigger(
        "incoming",
        "scans/*/{%Y/%m/%d}/",
        (".tiff", ".PNG"),
        content_type="image/*",
        every=timedelta(minutes=1),
        settled_for=timedelta(seconds=5),
        in_name_order=True,
        min_batch=100,
        quiet_period=timedelta(minutes=1),
        longest_wait=timedelta(minutes=10),
    )
    _, kwargs = trigger.serialize()
    row = Trigger(classpath="x", kwargs=kwargs)

    again = BlobListedTrigger(**{key: decoded(value) for key, value in row.kwargs.items()})

    assert again.serialize() == trigger.serialize()
    assert again.shared_stream_key() == trigger.shared_stream_key()


def decoded(value: Any) -> Any:
    from airflow.jobs import triggerer_job_runner

    decode = getattr(triggerer_job_runner, "smart_decode_trigger_kwargs", lambda value: value)
    return decode(value)


class Bench:
    """A container with a connection to it."""

    def __init__(self, service: BlobServiceClient) -> None:
        self.container = service.get_container_client(f"listed-{uuid.uuid4().hex[:12]}")
        self.work = service.get_container_client(f"work-{uuid.uuid4().hex[:12]}")

    def trigger(self, **given: Any) -> BlobListedTrigger:
        return BlobListedTrigger(
            self.container.container_name,
            conn_id="listed",
            every=timedelta(seconds=1),
            watermark_container=self.work.container_name,
            **{"existing": True, **given},
        )


@pytest.fixture
async def bench(azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setenv("AIRFLOW_CONN_LISTED", connection_to(azurite))
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        bench = Bench(service)
        await bench.container.create_container()
        yield bench


def names(event: TriggerEvent) -> list[str]:
    return [blob["name"] for blob in event.payload["blobs"]]


class State:
    """The state of one asset."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def aget(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = value


@pytest.mark.slow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="says when an event is stored from 3.3 on")
async def test_the_watermark_moves_into_the_state_of_the_asset_when_all_events_are_stored(
    bench: Bench,
) -> None:
    from airflow.triggers.shared_stream import SharedStreamManager

    for name in ("a", "b", "c"):
        await bench.container.upload_blob(name, b"x")
    state, trigger = State(), bench.trigger(max_batch=2)
    trigger.asset_state_store = state
    manager = SharedStreamManager(ack_timeout=WAIT)
    key = trigger.shared_stream_key()
    stream = manager.subscribe(trigger_id=1, trigger=trigger, key=key)
    fired: list[list[str]] = []
    unconfirmed: list[int] = []

    async def run() -> None:
        async for event in trigger.filter_shared_stream(stream):
            fired.append(names(event))
            seq = manager.bind_pending_event(trigger_id=1, key=key)
            assert seq is not None
            unconfirmed.append(seq)

    running = asyncio.create_task(run())
    await until(lambda: fired == [["a", "b"]])
    manager.confirm_persisted(unconfirmed)
    await until(lambda: fired == [["a", "b"], ["c"]])
    assert not state.values

    manager.confirm_persisted(unconfirmed[1:])
    await until(lambda: bool(state.values))

    ((watermark),) = state.values.values()
    assert len(Watermark.from_plain(watermark).known) == 3
    running.cancel()
    await manager.stop_all()


@pytest.mark.slow
async def test_a_watcher_waits_for_as_many_blobs_as_the_author_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_listing, "STORED_WITHIN", 0.01)
    await bench.container.upload_blob("a", b"x")
    running = bench.trigger(min_batch=2, longest_wait=timedelta(hours=1)).run()
    event = asyncio.ensure_future(anext(running))
    await until(bench.work.exists)  # a look has come to its end, and "a" waits
    assert not event.done()

    await bench.container.upload_blob("b", b"x")

    assert names(await asyncio.wait_for(event, WAIT)) == ["a", "b"]
    await running.aclose()  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_before_airflow_3_3_the_watermark_is_a_blob_and_moves_some_time_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_listing, "STORED_WITHIN", 0.01)
    await bench.container.upload_blob("a", b"x")
    running = bench.trigger().run()
    assert names(await asyncio.wait_for(anext(running), WAIT)) == ["a"]
    following = asyncio.ensure_future(anext(running))
    await until(bench.work.exists)
    await bench.container.upload_blob("b", b"x")
    assert names(await asyncio.wait_for(following, WAIT)) == ["b"]
    await running.aclose()  # type: ignore[attr-defined]

    restarted = bench.trigger().run()  # dies before b was stored
    assert names(await asyncio.wait_for(anext(restarted), WAIT)) == ["b"]
    await restarted.aclose()  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_a_deployment_that_changes_the_filter_drops_no_blob_that_waits(bench: Bench) -> None:
    state = State()
    before = bench.trigger(suffix=".tif", existing=False, min_batch=9, longest_wait=timedelta(hours=1))
    async with AsyncExitStack() as stack:
        watch = await before.open_watch(stack, state)
        looking = asyncio.ensure_future(anext(watch.found()))
        await until(lambda: len(state.values) == 2)
        await bench.container.upload_blob("waits.tif", b"x")
        await until(
            lambda: any(isinstance(value, dict) and value["waiting"] for value in state.values.values())
        )
        looking.cancel()

    async with AsyncExitStack() as stack:
        watch = await bench.trigger(suffix=[".tif", ".png"], existing=False).open_watch(stack, state)
        found = await asyncio.wait_for(anext(watch.found()), WAIT)

    assert [event.name for event in found.events] == ["waits.tif"]


ODD_NAMES = [
    "50% (a+b) #1?.csv",
    "dir one/é💎.csv",
    "a%20b+c&d=e.csv",
    "/lead",
    "a//b",
    "tab\there",
    "q'\"<>",
]


@pytest.mark.slow
async def test_odd_names_arrive_and_their_urls_lead_back_to_them_and_marks_of_folders_do_not(
    bench: Bench, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*ODD_NAMES, "dir one/"):
        await bench.container.upload_blob(name, b"" if name.endswith("/") else b"x")
    running = bench.trigger().run()

    (event,) = [await asyncio.wait_for(anext(running), WAIT)]
    await running.aclose()  # type: ignore[attr-defined]

    assert sorted(names(event)) == sorted(ODD_NAMES)
    for told in event.payload["blobs"]:
        ref = blob(told["url"])
        assert (ref.container, ref.name) == (bench.container.container_name, told["name"])
        credential = AzureNamedKeyCredential(azurite.name, azurite.key)
        async with BlobClient.from_blob_url(told["url"], credential=credential) as client:
            assert (await client.get_blob_properties()).size == 1


@pytest.mark.slow
async def test_of_a_blob_that_is_written_again_and_again_within_a_second_the_last_version_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_listing, "STORED_WITHIN", 0.01)
    running = bench.trigger().run()
    told: list[tuple[int, str]] = []

    async def listen() -> None:
        async for event in running:
            told.extend((each["size"], each["etag"]) for each in event.payload["blobs"])

    listening = asyncio.create_task(listen())
    for size in range(1, 101):
        written = await bench.container.upload_blob("again", b"x" * size, overwrite=True)
    last = (100, (await written.get_blob_properties()).etag.strip('"'))
    await until(lambda: last in told)
    listening.cancel()

    assert len(told) == len(set(told))


async def until(condition: Any) -> None:
    async def poll() -> None:
        while not (await found if asyncio.iscoroutine(found := condition()) else found):
            await asyncio.sleep(0.02)

    await asyncio.wait_for(poll(), WAIT)
