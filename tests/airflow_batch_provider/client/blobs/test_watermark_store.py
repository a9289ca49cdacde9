"""Where a watermark is kept, and who may write it."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError

from airflow_batch_provider.client.blobs.watermark_store import (
    AssetWatermarkStore,
    BlobWatermarkStore,
    WatermarkMovedError,
    open_store,
)
from tests.airflow_batch_provider.client.blobs.bench import Bench, Refusing, State

pytestmark = pytest.mark.slow


async def test_of_two_that_write_a_watermark_the_second_goes_on_from_the_first(bench: Bench) -> None:
    work = bench.service.get_container_client(bench.work.container_name + "-new")
    mine, theirs = BlobWatermarkStore(work, "mark"), BlobWatermarkStore(work, "mark")
    assert await mine.read() is None
    assert await theirs.read() is None

    await mine.write({"floor": 1})
    with pytest.raises(WatermarkMovedError):
        await theirs.write({"floor": 0})

    assert await theirs.read() == {"floor": 1}
    await theirs.write({"floor": 2})
    with pytest.raises(WatermarkMovedError):
        await mine.write({"floor": 1})


async def test_the_state_of_the_asset_goes_on_from_the_blob_of_an_earlier_airflow(bench: Bench) -> None:
    await BlobWatermarkStore(bench.work, "mark").write({"floor": 1})
    state = State()
    store = await open_store(state, bench.work, "mark")
    assert isinstance(store, AssetWatermarkStore)
    assert await store.read() == {"floor": 1}

    await store.write({"floor": 2})

    assert state.values == {"mark": {"floor": 2}}
    assert await store.read() == {"floor": 2}


async def test_what_an_earlier_airflow_may_have_left_is_not_needed_to_watch_the_container_of_another(
    bench: Bench,
) -> None:
    earlier = Refusing(bench.work, "mark")
    store = AssetWatermarkStore(State(), "mark", earlier)
    assert await store.read() is None

    earlier.status = 503
    with pytest.raises(HttpResponseError):
        await store.read()


@pytest.mark.parametrize("state", [None, State(assets=2)])
async def test_without_a_state_of_one_asset_the_watermark_is_a_blob(
    bench: Bench, state: State | None
) -> None:
    assert isinstance(await open_store(state, bench.work, "mark"), BlobWatermarkStore)
