"""Pages, filters and selections of every list."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.protocol.builders import a_job, a_pool, a_task, task_models
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow


async def test_pages_of_one(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_tasks", name, task_models(3))
    before = len(batch.recorder.answers)
    tasks = await batch.list("list_tasks", name, max_results=1, filter="state eq 'active'", select=["id"])
    assert [task.id for task in tasks] == ["task-000", "task-001", "task-002"]
    pages = batch.recorder.answers[before:]
    assert [len(page.body["value"]) for page in pages] == [1, 1, 1]
    assert ["odata.nextLink" in page.body for page in pages] == [True, True, False]
    assert all(set(item) == {"id"} for page in pages for item in page.body["value"])
    assert pages[0].body["odata.nextLink"].startswith(f"http://127.0.0.1:{batch_port(pages[0].body)}/jobs/")


def batch_port(body: dict[str, Any]) -> str:
    return str(body["odata.metadata"]).split(":")[2].partition("/")[0]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("list_pools", ()),
        ("list_jobs", ()),
        ("list_supported_images", ()),
        ("list_pool_node_counts", ()),
        ("list_nodes", ("{name}",)),
        ("list_tasks", ("{name}",)),
        ("list_task_files", ("{name}", "t0")),
    ],
)
async def test_every_list_pages(batch: Driver, name: str, method: str, arguments: tuple[str, ...]) -> None:
    await batch.call("create_pool", a_pool(name, nodes=2))
    await batch.call("create_pool", a_pool(f"{name}-2"))
    for job in (name, f"{name}-2"):
        await batch.call("create_job", a_job(job, name))
    for task in ("t0", "t1"):
        await batch.call("create_task", name, a_task(task))
        await batch.until(lambda task: task.state == "completed", "get_task", name, task)
    arguments = tuple(argument.format(name=name) for argument in arguments)
    whole = await batch.list(method, *arguments)
    mark = len(batch.recorder.answers)
    paged = await batch.list(method, *arguments, max_results=1)
    assert len(whole) >= 2
    assert [str(item) for item in paged] == [str(item) for item in whole]
    assert {len(answer.body["value"]) for answer in batch.recorder.answers[mark:]} == {1}
    for pool in (name, f"{name}-2"):
        await batch.run("begin_delete_pool", pool)


async def test_filters_of_tasks(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name))
    for task, command in (("good", "true"), ("Bad", "exit 2"), ("it-7", "exit 7")):
        await batch.call("create_task", name, a_task(task, command))
        await batch.until(lambda task: task.state == "completed", "get_task", name, task)
    hour = timedelta(hours=1)
    now = datetime.now(timezone.utc)
    for text, expected in {
        "executionInfo/exitCode ne 0": {"Bad", "it-7"},
        "executionInfo/exitCode gt 1 and executionInfo/exitCode lt 7": {"Bad"},
        "executionInfo/result eq 'Success' or id eq 'bad'": {"good", "Bad"},
        "startswith(id,'IT')": {"it-7"},
        f"creationTime gt DateTime'{now - hour:%Y-%m-%dT%H:%M:%SZ}'": {"good", "Bad", "it-7"},
        f"lastModified gt DateTime'{now + hour:%Y-%m-%dT%H:%M:%SZ}'": set(),
        "(state eq 'active' or state eq 'completed') and id ne 'good'": {"Bad", "it-7"},
    }.items():
        assert {task.id for task in await batch.list("list_tasks", name, filter=text)} == expected, text
    await batch.run("begin_delete_pool", name)


async def test_filters_of_pools_jobs_and_nodes(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name))
    text = f"startswith(id,'{name}') and vmSize eq 'STANDARD_D2S_V3' and enableAutoScale eq false"
    assert [pool.id for pool in await batch.list("list_pools", filter=text)] == [name]
    text = f"executionInfo/poolId eq '{name}' and state eq 'active'"
    assert [job.id for job in await batch.list("list_jobs", filter=text)] == [name]
    await batch.until(lambda pool: pool.allocation_state == "steady", "get_pool", name)
    assert len(await batch.list("list_nodes", name, filter="state ne 'unusable'")) == 1
    await batch.run("begin_delete_pool", name)


async def test_filters_of_images(batch: Driver) -> None:
    linux = await batch.list("list_supported_images", filter="osType eq 'linux'")
    assert len(linux) > 1
    unverified = await batch.list("list_supported_images", filter="verificationType ne 'verified'")
    assert unverified
    assert {image.verification_type for image in unverified} == {"unverified"}


async def test_only_what_is_selected_comes_back(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name))
    await batch.call("get_pool", name, select=["id", "state"], expand=["stats"])
    assert batch.last.body.keys() == {"odata.metadata", "id", "state"}
    await batch.call("get_pool", name, select=["allocationState", " targetLowPriorityNodes"])
    assert batch.last.body.keys() == {"odata.metadata", "allocationState", "targetLowPriorityNodes"}
