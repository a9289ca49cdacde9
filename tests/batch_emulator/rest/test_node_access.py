"""Node operations over HTTP, where the official client's own form is not what matters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.batch_emulator.rest.in_process import Client, in_process
from tests.batch_emulator.service.builders import a_pool

OLDER = "api-version=2024-02-01.19.0"


async def a_node(client: Client) -> str:
    await client.send("POST", "/pools", a_pool(nodes=1))
    response = await client.send("GET", "/pools/pool/nodes")
    [node] = (await response.json())["value"]
    return f"/pools/pool/nodes/{node['id']}"


async def test_reimaging_is_refused_in_the_api_versions_that_refused_it() -> None:
    async with in_process() as client:
        node = await a_node(client)
        response = await client.send("POST", f"{node}/reimage?{OLDER}", {})
        assert (response.status, (await response.json())["code"]) == (409, "OperationNotValidOnNode")
        response = await client.send("POST", f"/pools/pool/nodes/none/reimage?{OLDER}", {})
        assert (response.status, (await response.json())["code"]) == (404, "NodeNotFound")
        response = await client.send("POST", f"{node}/reimage")
        assert response.status == 202


async def test_the_url_of_a_user_is_quoted() -> None:
    async with in_process() as client:
        node = await a_node(client)
        response = await client.send("POST", f"{node}/users", {"name": "J\u00fcrgen%"})
        assert response.status == 201
        assert response.headers["Location"].endswith("/users/J%C3%BCrgen%25")
        response = await client.send("DELETE", f"{node}/users/j%C3%BCrgen%25")
        assert response.status == 200


@pytest.mark.parametrize("name", ["a\r\nX-Injected: 1", "a\x00", "../b", "a b"])
async def test_a_user_s_name_that_no_system_has_is_refused(name: str) -> None:
    async with in_process() as client:
        node = await a_node(client)
        response = await client.send("POST", f"{node}/users", {"name": name})
        body: Any = await response.json()
        assert (response.status, body["code"]) == (400, "InvalidPropertyValue")


async def test_what_is_asked_of_the_logs_reaches_the_machine() -> None:
    async with in_process() as client:
        node = await a_node(client)
        url = "https://account.blob.core.windows.net/logs?sig=s"
        body = {"containerUrl": url, "startTime": "2026-05-04T00:00:00Z"}
        response = await client.send("POST", f"{node}/uploadbatchservicelogs", body)
        answer: Any = await response.json()
        [request] = client.backend.log_requests
        assert (answer["virtualDirectoryName"], answer["numberOfFilesUploaded"]) == (request.directory, 1)
        assert request.container_url == url
        assert "sig=s" not in await response.text()
