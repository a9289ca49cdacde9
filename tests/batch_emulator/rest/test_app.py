"""The HTTP layer over the real rules, without processes: what the official client cannot show or see."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from batch_emulator.service.service import BatchService
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW, VERSION, Client, MemoryFiles, in_process

POOL = {
    "id": "p",
    "vmSize": "standard_d2s_v3",
    "targetDedicatedNodes": 1,
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
    },
}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with in_process() as opened:
        yield opened


async def with_tasks(client: Client, *commands: str) -> None:
    assert (await client.send("POST", "/pools", POOL)).status == 201
    assert (await client.send("POST", "/jobs", {"id": "j", "poolInfo": {"poolId": "p"}})).status == 201
    for number, command in enumerate(commands):
        task = {"id": f"t{number}", "commandLine": command}
        assert (await client.send("POST", "/jobs/j/tasks", task)).status == 201


async def test_ids_of_requests(client: Client) -> None:
    headers = {"client-request-id": "mine"}
    response = await client.send("GET", "/jobs", headers=headers)
    assert "client-request-id" not in response.headers
    again = await client.send("GET", "/jobs", headers=headers | {"return-client-request-id": "true"})
    assert again.headers["client-request-id"] == "mine"
    assert again.headers["request-id"] != response.headers["request-id"]


async def test_links_name_the_host_that_the_client_used(client: Client) -> None:
    for job in ("a", "b"):
        await client.send("POST", "/jobs", {"id": job, "poolInfo": {"poolId": "p"}})
    headers = {"Host": "batch.example:8443"}
    body = await (await client.send("GET", f"/jobs?{VERSION}&maxresults=1", headers=headers)).json()
    assert body["odata.nextLink"].startswith(
        "http://batch.example:8443/jobs?api-version=2025-06-01&maxresults=1&"
    )
    assert body["value"][0]["url"] == "http://batch.example:8443/jobs/a"


async def test_a_task_runs_through(client: Client) -> None:
    await with_tasks(client, "0", "3", "wait")
    body = await (await client.send("GET", f"/jobs/j/tasks?{VERSION}&$select=id,state,executionInfo")).json()
    states = {task["id"]: (task["state"], task["executionInfo"].get("exitCode")) for task in body["value"]}
    assert states == {"t0": ("completed", 0), "t1": ("completed", 3), "t2": ("running", None)}
    counts = await (await client.send("GET", "/jobs/j/taskcounts")).json()
    assert counts["taskCounts"] == {"active": 0, "running": 1, "completed": 2, "succeeded": 1, "failed": 1}
    nodes = await (await client.send("GET", "/pools/p/nodes")).json()
    assert (nodes["value"][0]["state"], nodes["value"][0]["runningTasksCount"]) == ("running", 1)


async def test_what_goes_wrong_inside_stays_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_query: Callable[[BatchService, datetime], Any]) -> Any:
        raise RuntimeError("disk at /secret/path is full")

    monkeypatch.setattr(client.backend, "read", broken)
    response = await client.send("GET", "/jobs")
    assert response.status == 500
    assert (await response.json())["code"] == "InternalError"
    assert "/secret/path" not in await response.text()
    assert "/secret/path" in caplog.text


async def test_files_are_streamed_and_headed(client: Client) -> None:
    await with_tasks(client, "0")
    root = "workitems/j/job-1/t0"
    client.backend.disks["p"] = MemoryFiles({f"{root}/stdout.txt": b"hello", f"{root}/wd/a b.bin": b"\0" * 9})
    response = await client.send(
        "GET", "/jobs/j/tasks/t0/files/stdout.txt", headers={"ocp-range": "bytes=1-2"}
    )
    assert (response.status, await response.read()) == (200, b"el")
    head = await client.send("HEAD", "/jobs/j/tasks/t0/files/wd%2Fa%20b.bin")
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, "9", b"")
    assert head.headers["Content-Type"] == "application/octet-stream"
    assert head.headers["ocp-batch-file-mode"] == "0o100644"
    literal = await client.send("GET", "/jobs/j/tasks/t0/files/wd/a%20b.bin")
    assert len(await literal.read()) == 9
    listed = await (await client.send("GET", f"/jobs/j/tasks/t0/files?{VERSION}&recursive=true")).json()
    assert [file["name"] for file in listed["value"]] == ["stdout.txt", "wd/a b.bin"]


async def test_a_task_whose_node_is_gone_has_no_files(client: Client) -> None:
    await with_tasks(client, "0")
    response = await client.send("GET", "/jobs/j/tasks/t0/files")
    assert (response.status, (await response.json())["code"]) == (409, "TaskFilesUnavailable")


async def test_a_task_whose_directory_is_gone_has_no_files(client: Client) -> None:
    await with_tasks(client, "0")
    client.backend.disks["p"] = MemoryFiles({"shared/x": b""})
    for path in ("", "/stdout.txt"):
        response = await client.send("GET", f"/jobs/j/tasks/t0/files{path}")
        assert (response.status, (await response.json())["code"]) == (409, "TaskFilesUnavailable")
    client.backend.service.task("j", "t0").files_removed = True
    response = await client.send("GET", "/jobs/j/tasks/t0/files")
    assert (response.status, (await response.json())["code"]) == (409, "TaskFilesCleanedup")


async def test_the_same_formula_soon_again_is_told_when(client: Client) -> None:
    await client.send("POST", "/pools", POOL)
    formula = {"autoScaleFormula": "$TargetDedicatedNodes=1"}
    assert (await client.send("POST", "/pools/p/enableautoscale", formula)).status == 200
    response = await client.send("POST", "/pools/p/enableautoscale", formula)
    assert (response.status, response.headers["Retry-After"]) == (503, "30")
    assert (await response.json())["code"] == "TooManyEnableAutoScaleRequests"


async def test_the_status_page_needs_no_key_and_shows_none(client: Client) -> None:
    await with_tasks(client, "0", "wait")
    page = await (await client.http.get("/")).text()
    for text in ('<a href="/?pool=p">p</a>', '<tr id="j">', "1 running", "1 of 1"):
        assert text in page
    assert CREDENTIALS.primary_key not in page
    elsewhere = await client.http.get("/", headers={"Host": "evil.example"})
    assert elsewhere.status == 403


async def test_without_linked_storage_there_are_no_packages(client: Client) -> None:
    claims = {
        "iss": "batch-emulator",
        "aud": "https://management.azure.com",
        "exp": NOW + timedelta(minutes=1),
    }
    token = jwt.encode(claims, base64.b64decode(CREDENTIALS.secondary_key), algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}"}
    application = f"{client.backend.account.resource_id}/applications/a"
    response = await client.http.put(f"{application}?{VERSION}", json={}, headers=headers)
    assert response.status == 200
    response = await client.http.put(f"{application}/versions/1?{VERSION}", json={}, headers=headers)
    assert (response.status, (await response.json())["error"]["code"]) == (400, "StorageAccountNotFound")
