from __future__ import annotations

from datetime import timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.core.exceptions import ResourceNotFoundError as NotFound

from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow
UNCHANGED = MatchConditions.IfNotModified
CHANGED = MatchConditions.IfModified


async def test_a_change_needs_the_etag_that_was_seen(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    seen = (await batch.call("get_job", name)).etag
    await batch.call("update_job", name, {"priority": 1}, etag=seen, match_condition=UNCHANGED)
    assert batch.last.headers["etag"] != seen
    with pytest.raises(ResourceModifiedError) as caught:
        await batch.call("update_job", name, {"priority": 2}, etag=seen, match_condition=UNCHANGED)
    assert caught.value.status_code == 412
    job = await batch.call("get_job", name)
    assert job.priority == 1
    assert job.etag == batch.last.headers["etag"]


async def test_a_read_is_spared_when_nothing_changed(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name))
    pool = await batch.call("get_pool", name)
    with pytest.raises(HttpResponseError) as caught:
        await batch.call("get_pool", name, etag=pool.etag, match_condition=CHANGED)
    assert caught.value.status_code == 304
    again = await batch.call("get_pool", name, if_modified_since=pool.last_modified - timedelta(minutes=1))
    assert again.etag == pool.etag


async def test_dates(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_task", name, a_task("t"))
    task = await batch.call("get_task", name, "t")
    before = task.last_modified - timedelta(minutes=1)
    with pytest.raises(HttpResponseError) as caught:
        await batch.call("delete_task", name, "t", if_unmodified_since=before)
    assert (caught.value.status_code, caught.value.error.code) == (412, "ConditionNotMet")  # type: ignore[union-attr]
    await batch.call("delete_task", name, "t", if_unmodified_since=task.last_modified)


async def test_a_task_that_runs_does_not_change_its_job(aio_batch: Driver, name: str) -> None:
    await aio_batch.call("create_job", a_job(name))
    before = (await aio_batch.call("get_job", name)).etag
    await aio_batch.call("create_task", name, a_task("t"))
    await aio_batch.call("terminate_task", name, "t")
    assert (await aio_batch.call("get_job", name)).etag == before


async def test_what_the_client_raises(batch: Driver, name: str) -> None:
    """Clients branch on the code: the class depends on the status and on the request's headers."""
    with pytest.raises(NotFound) as missing:
        await batch.call("get_pool", name)
    assert "(PoolNotFound) The specified pool does not exist." in str(missing.value)
    await batch.call("create_job", a_job(name))
    with pytest.raises(ResourceExistsError) as exists:
        await batch.call("create_job", a_job(name.upper()))
    assert "(JobExists) The specified job already exists." in str(exists.value)
    with pytest.raises(NotFound):
        await batch.call("pool_exists", name)
