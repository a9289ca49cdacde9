from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from azure.core.exceptions import HttpResponseError

from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow
ROOT = {"applications", "fsmounts", "shared", "startup", "volatile", "workitems"}


async def ran(batch: Driver, name: str, command: str = "printf 0123456789; mkdir d; echo x > d/e.f") -> str:
    """The node on which a task has run."""
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name))
    await batch.call("create_task", name, a_task("t", command))
    task = await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    return str(task.node_info.node_id)


async def test_files_of_a_task(batch: Driver, name: str) -> None:
    await ran(batch, name)
    files = {file.name: file for file in await batch.list("list_task_files", name, "t")}
    assert {"stdout.txt", "stderr.txt", "wd"} <= files.keys()
    assert (files["wd"].is_directory, files["wd"].properties) == (True, None)
    assert files["stdout.txt"].properties.content_length == 10
    every = {file.name for file in await batch.list("list_task_files", name, "t", recursive=True)}
    assert {"wd/d", "wd/d/e.f"} <= every
    [only] = await batch.list("list_task_files", name, "t", filter="startswith(name,'stdo')")
    assert only.name == "stdout.txt"

    assert await batch.read("download_task_file", name, "t", "stdout.txt") == b"0123456789"
    assert batch.last.headers["content-type"] == "text/plain"
    assert await batch.read("download_task_file", name, "t", "wd/d/e.f") == b"x\n"
    properties = await batch.call("get_task_file_properties", name, "t", "wd/d/e.f")
    assert (properties.content_length, properties.file_mode) == (2, "0o100644")
    headers = batch.last.headers
    assert (headers["content-length"], headers["ocp-batch-file-isdirectory"]) == ("2", "False")
    assert unquote(headers["ocp-batch-file-url"]).endswith(f"/jobs/{name}/tasks/t/files/wd/d/e.f")
    assert headers["ocp-creation-time"].endswith("GMT")

    await batch.call("delete_task_file", name, "t", "wd/d", recursive=True)
    assert batch.last.status == 200
    assert "wd/d" not in {
        file.name for file in await batch.list("list_task_files", name, "t", recursive=True)
    }
    await batch.run("begin_delete_pool", name)


async def test_files_of_a_node(batch: Driver, name: str) -> None:
    node = await ran(batch, name)
    assert {file.name for file in await batch.list("list_node_files", name, node)} >= ROOT
    path = f"workitems/{name}/job-1/t/stdout.txt"
    every = await batch.list("list_node_files", name, node, recursive=True)
    assert path in {file.name for file in every}
    assert await batch.read("download_node_file", name, node, path) == b"0123456789"
    assert (await batch.call("get_node_file_properties", name, node, path)).content_length == 10
    await batch.call("delete_node_file", name, node, path)
    assert batch.last.status == 200
    with pytest.raises(HttpResponseError) as caught:
        await batch.read("download_node_file", name, node, path)
    assert caught.value.status_code == 404
    await batch.run("begin_delete_pool", name)


async def test_slices_are_answered_with_200(batch: Driver, name: str) -> None:
    await ran(batch, name)
    for ocp_range, expected in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")):
        data = await batch.read("download_task_file", name, "t", "stdout.txt", ocp_range=ocp_range)
        assert (data, batch.last.status) == (expected, 200)
        assert batch.last.headers["content-length"] == str(len(expected))
    with pytest.raises(HttpResponseError) as caught:
        await batch.read("download_task_file", name, "t", "stdout.txt", ocp_range="bytes=10-")
    assert caught.value.status_code == 416
    await batch.run("begin_delete_pool", name)


async def test_a_file_that_did_not_change(aio_batch: Driver, name: str) -> None:
    await ran(aio_batch, name)
    soon = datetime.now(timezone.utc) + timedelta(minutes=1)
    with pytest.raises(HttpResponseError) as caught:
        await aio_batch.read("download_task_file", name, "t", "stdout.txt", if_modified_since=soon)
    assert caught.value.status_code == 304
    data = await aio_batch.read("download_task_file", name, "t", "stdout.txt", if_unmodified_since=soon)
    assert data == b"0123456789"
    await aio_batch.run("begin_delete_pool", name)


async def test_a_large_file_comes_whole(batch: Driver, name: str) -> None:
    await ran(batch, name, "head -c 5000000 /dev/zero")
    assert await batch.read("download_task_file", name, "t", "stdout.txt") == bytes(5_000_000)
    await batch.run("begin_delete_pool", name)


@pytest.mark.parametrize("path", ["../../../../journal.db", "wd/../../x", "missing.txt", "wd/none/x"])
async def test_nothing_outside_a_task_is_shown(aio_batch: Driver, name: str, path: str) -> None:
    await ran(aio_batch, name)
    with pytest.raises(HttpResponseError) as caught:
        await aio_batch.read("download_task_file", name, "t", path)
    assert caught.value.status_code == 404
    await aio_batch.run("begin_delete_pool", name)
