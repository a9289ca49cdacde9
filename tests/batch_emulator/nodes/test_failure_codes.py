"""Every failure of transfers: which code, which category (Azure Batch: *Job and task error checking*)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from batch_emulator.nodes.directories import TaskLayout
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.transfer import Fetcher, TransferError
from batch_emulator.service.errors import Failure

USER, SERVER = "usererror", "servererror"


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """It answers what its path says; ``/silent`` it never answers."""
    done = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        wanted = request.match_info["wanted"]
        if wanted == "silent":
            await done.wait()
            return web.Response()
        return web.Response(status=int(wanted), text="content")

    app = web.Application()
    app.router.add_route("*", "/{wanted}/{rest:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as served:
        yield served
        done.set()


@pytest.fixture
def task(tmp_path: Path) -> TaskLayout:
    """A task's directory with things in the way."""
    layout = TaskLayout(tmp_path / "t")
    layout.make()
    (layout.working / "file").touch()
    (layout.working / "folder").mkdir()
    (layout.working / "full").symlink_to("/dev/full")
    return layout


async def place(server: TestServer, task: TaskLayout, wanted: str, path: str) -> Failure:
    fetcher = Fetcher(aiohttp.ClientTimeout(total=0.2), backoff=0)
    files = [{"httpUrl": str(server.make_url(f"/{wanted}/x")), "filePath": path}]
    try:
        with pytest.raises(TransferError) as caught:
            await ResourceFiles(fetcher, None).place(files, task.working, [])
    finally:
        await fetcher.close()
    return caught.value.failure


@pytest.mark.parametrize(
    ("wanted", "path", "code", "category"),
    [
        ("404", "x", "BlobNotFound", USER),
        ("403", "x", "BlobAccessDenied", USER),
        ("401", "x", "BlobAccessDenied", USER),
        ("409", "x", "BlobAccessDenied", USER),
        ("500", "x", "BlobDownloadMiscError", SERVER),
        ("silent", "x", "BlobDownloadTimedOut", SERVER),
        ("200", "file/x", "ResourceDirectoryCreateFailed", SERVER),
        ("200", "../x", "ResourceFileCreateFailed", SERVER),
        ("200", "folder", "ResourceFileWriteFailed", SERVER),
        ("200", "full", "DiskFull", SERVER),
    ],
)
async def test_resource_files(
    server: TestServer, task: TaskLayout, wanted: str, path: str, code: str, category: str
) -> None:
    failure = await place(server, task, wanted, path)
    assert (failure.code, failure.category) == (code, category)
    assert ("FilePath", path) in failure.details


async def test_a_container_that_cannot_be_listed_in_words(task: TaskLayout) -> None:
    files = [{"storageContainerUrl": "no url at all"}]
    with pytest.raises(TransferError) as caught:
        await ResourceFiles(Fetcher(), None).place(files, task.working, [])
    failure = caught.value.failure
    assert (failure.code, failure.category) == ("ResourceContainerListMiscError", USER)


async def test_an_upload_that_takes_too_long(server: TestServer, task: TaskLayout) -> None:
    output = {
        "filePattern": "file",
        "destination": {"container": {"containerUrl": str(server.make_url("/silent/c?sig=secret"))}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    }
    with pytest.raises(TransferError) as caught:
        await OutputFiles(None, upload_seconds=0.2).upload([output], 0, task, {}, [])
    failure = caught.value.failure
    assert (failure.code, failure.category) == ("FileUploadTimedOut", SERVER)
    assert "secret" not in str(failure)
    assert "Timed out" in task.upload_err.read_text()
