from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

from tests.protocol.builders import a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow
DAILY = {"recurrenceInterval": "P1D"}


def a_schedule(
    name: str, schedule: dict[str, Any] | None = None, pool: str = "no-such-pool", **job: Any
) -> dict[str, Any]:
    specification = {"poolInfo": {"poolId": pool}, **job}
    return {
        "id": name,
        "schedule": DAILY if schedule is None else schedule,
        "jobSpecification": specification,
    }


async def test_a_new_schedule_has_its_first_job_at_once(batch: Driver, name: str) -> None:
    configuration = models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(days=1))
    specification = models.BatchJobSpecification(
        pool_info=models.BatchPoolInfo(pool_id="no-such-pool"), display_name="Daily"
    )
    body = models.BatchJobScheduleCreateOptions(
        id=name, schedule=configuration, job_specification=specification
    )
    await batch.call("create_job_schedule", body)
    assert batch.last.status == 201
    assert batch.last.headers["location"].endswith(f"/jobschedules/{name}")
    schedule = await batch.call("get_job_schedule", name)
    assert (schedule.state, schedule.previous_state) == ("active", None)
    assert schedule.schedule.recurrence_interval == timedelta(days=1)
    assert schedule.job_specification.constraints.max_task_retry_count == 0
    assert schedule.execution_info.recent_job.id == f"{name}:job-1"
    assert schedule.execution_info.recent_job.url.endswith(f"/jobs/{name}%3Ajob-1")
    assert schedule.execution_info.next_run_time == schedule.creation_time + timedelta(days=1)
    assert schedule.execution_info.end_time is None
    job = await batch.call("get_job", f"{name}:job-1")
    assert (job.display_name, job.state) == ("Daily", "active")
    assert await batch.call("job_schedule_exists", name)
    assert batch.last.headers["etag"] == schedule.etag


async def test_disable_enable_terminate_delete(batch: Driver, name: str) -> None:
    await batch.call("create_job_schedule", a_schedule(name))
    await batch.call("disable_job_schedule", name)
    assert batch.last.status == 204
    assert (await batch.call("get_job_schedule", name)).state == "disabled"
    await batch.call("enable_job_schedule", name)
    assert batch.last.status == 204
    assert (await batch.call("get_job_schedule", name)).state == "active"
    assert (await batch.run("begin_terminate_job_schedule", name, force=True)).status == 202
    schedule = await batch.call("get_job_schedule", name)
    assert (schedule.state, schedule.execution_info.end_time is not None) == ("completed", True)
    [job] = await batch.list("list_jobs_from_schedule", name)
    assert (job.state, job.execution_info.termination_reason) == ("completed", "TerminateJobSchedule")
    assert (await batch.run("begin_delete_job_schedule", name)).status == 202
    assert batch.last.status == 404
    with pytest.raises(ResourceNotFoundError):
        await batch.call("job_schedule_exists", name)
    with pytest.raises(ResourceNotFoundError):
        await batch.call("get_job", f"{name}:job-1")


async def test_replace_and_patch(batch: Driver, name: str) -> None:
    body = {**a_schedule(name), "metadata": [{"name": "a", "value": "b"}], "displayName": "Plan"}
    await batch.call("create_job_schedule", body)
    update = models.BatchJobScheduleUpdateOptions(
        schedule=models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(hours=10))
    )
    await batch.call("update_job_schedule", name, update)
    assert batch.last.status == 200
    schedule = await batch.call("get_job_schedule", name)
    assert (schedule.schedule.recurrence_interval, schedule.metadata[0].value) == (timedelta(hours=10), "b")
    schedule.metadata = None
    schedule.job_specification.priority = 7
    await batch.call("replace_job_schedule", name, schedule)
    assert batch.last.status == 200
    schedule = await batch.call("get_job_schedule", name)
    assert (schedule.job_specification.priority, schedule.metadata, schedule.display_name) == (
        7,
        None,
        "Plan",
    )
    assert schedule.schedule.recurrence_interval == timedelta(hours=10)


async def test_conditions(batch: Driver, name: str) -> None:
    await batch.call("create_job_schedule", a_schedule(name))
    seen = (await batch.call("get_job_schedule", name)).etag
    unchanged = {"etag": seen, "match_condition": MatchConditions.IfNotModified}
    await batch.call("update_job_schedule", name, {"metadata": []}, **unchanged)
    for method in ("disable_job_schedule", "enable_job_schedule", "begin_delete_job_schedule"):
        with pytest.raises(ResourceModifiedError) as caught:
            await batch.call(method, name, **unchanged)
        assert caught.value.status_code == 412
    with pytest.raises(HttpResponseError) as read:
        await batch.call(
            "get_job_schedule",
            name,
            etag=(await batch.call("get_job_schedule", name)).etag,
            match_condition=MatchConditions.IfModified,
        )
    assert read.value.status_code == 304


async def test_lists(batch: Driver, name: str) -> None:
    late = datetime.now(timezone.utc) + timedelta(days=300)
    await batch.call("create_job_schedule", a_schedule(f"{name}-a"))
    await batch.call(
        "create_job_schedule",
        a_schedule(f"{name}-b", {**DAILY, "doNotRunUntil": late.strftime("%Y-%m-%dT%H:%M:%SZ")}),
    )
    mine = f"startswith(id,'{name}')"

    async def ids(text: str) -> list[str]:
        return [item.id[len(name) :] for item in await batch.list("list_job_schedules", filter=text)]

    moment = (late - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await ids(mine) == ["-a", "-b"]
    assert await ids(f"{mine} and schedule/doNotRunUntil gt DateTime'{moment}'") == ["-b"]
    assert await ids(f"{mine} and state eq 'disabled'") == []
    paged = await batch.list("list_job_schedules", filter=mine, max_results=1, select=["id", "state"])
    assert [item.id for item in paged] == [f"{name}-a", f"{name}-b"]
    assert set(batch.last.body["value"][0]) == {"id", "state"}
    assert [job.id for job in await batch.list("list_jobs_from_schedule", f"{name}-a")] == [f"{name}-a:job-1"]
    assert await batch.list("list_jobs_from_schedule", f"{name}-b") == []
    active = await batch.list(
        "list_jobs_from_schedule", f"{name}-a", filter="state eq 'active'", select=["id"]
    )
    assert [job.id for job in active] == [f"{name}-a:job-1"]
    assert set(batch.last.body["value"][0]) == {"id"}


async def test_a_schedule_without_recurrence_ends_with_its_job(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    command = "/bin/sh -c 'echo $AZ_BATCH_JOB_ID; echo $AZ_BATCH_TASK_DIR'"
    manager = {"id": "boss", "commandLine": command}
    await batch.call("create_job_schedule", a_schedule(name, {}, name, jobManagerTask=manager))
    schedule = await batch.until(lambda item: item.state == "completed", "get_job_schedule", name)
    assert schedule.execution_info.recent_job.id == f"{name}:job-1"
    [job] = await batch.list("list_jobs_from_schedule", name)
    assert job.execution_info.termination_reason == "JMComplete"
    output = (await batch.read("download_task_file", job.id, "boss", "stdout.txt")).decode().split()
    assert output[0] == f"{name}:job-1"
    assert output[1].endswith(f"/workitems/{name}/job-1/boss")
    await batch.run("begin_delete_job_schedule", name)
    await batch.run("begin_delete_pool", name)


async def test_the_jobs_of_a_schedule_share_an_auto_pool(aio_batch: Driver, name: str) -> None:
    pool = {key: value for key, value in a_pool("x").items() if key != "id"}
    auto = {"poolLifetimeOption": "jobschedule", "autoPoolIdPrefix": "shared", "pool": pool}
    body = a_schedule(name)
    body["jobSpecification"]["poolInfo"] = {"autoPoolSpecification": auto}
    await aio_batch.call("create_job_schedule", body)
    job = await aio_batch.call("get_job", f"{name}:job-1")
    pool_id = job.execution_info.pool_id
    assert (await aio_batch.call("get_pool", pool_id)).state == "active"
    await aio_batch.call("create_task", job.id, a_task("t"))
    await aio_batch.run("begin_delete_job_schedule", name)
    assert [pool.state for pool in await aio_batch.list("list_pools", filter=f"id eq '{pool_id}'")] in (
        [],
        ["deleting"],
    )
