"""Tokens of a pool's identities: who gets which, and what is said to others."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from batch_emulator.identity.node_secret import PATH, issue_secret, pool_of
from batch_emulator.rest.tokens import DATA_PLANE, MANAGEMENT_PLANE, Plane, TokenRefusedError
from batch_emulator.service.pools.identities import describe
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW, Client, in_process

PREFIX = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
FIRST, SECOND, ELSEWHERE = (describe(f"{PREFIX}/{name}") for name in ("one", "two", "elsewhere"))
STORAGE = "https://storage.azure.com/"
POOL: dict[str, Any] = {
    "vmSize": "standard_d2s_v3",
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
    },
}
QUERY = {"api-version": "2019-08-01", "resource": STORAGE}


def add_pool(client: Client, pool_id: str, *identities: dict[str, Any]) -> None:
    identity = {"type": "UserAssigned", "userAssignedIdentities": list(identities)} if identities else None
    client.backend.service.create_pool({"id": pool_id, **POOL}, NOW, identity=identity)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with in_process() as opened:
        add_pool(opened, "one", FIRST)
        add_pool(opened, "both", FIRST, SECOND)
        add_pool(opened, "none")
        yield opened


async def ask(
    client: Client, pool_id: str | None, query: dict[str, str] | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    if pool_id is not None:
        headers["X-IDENTITY-HEADER"] = issue_secret(pool_id, CREDENTIALS.node_key)
    response = await client.http.get(PATH, params=QUERY if query is None else query, headers=headers)
    return response.status, await response.json()


async def test_the_answer_is_the_documented_one(client: Client) -> None:
    status, body = await ask(client, "one", Metadata="true")
    assert status == 200
    claims = jwt.decode(
        body.pop("access_token"),
        base64.b64decode(CREDENTIALS.primary_key),
        algorithms=["HS256"],
        audience=STORAGE,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    now = int(NOW.timestamp())
    assert body == {
        "client_id": FIRST["clientId"],
        "expires_in": "86400",
        "expires_on": str(now + 86400),
        "ext_expires_in": "86400",
        "not_before": str(now),
        "resource": STORAGE,
        "token_type": "Bearer",
    }
    assert (claims["appid"], claims["oid"]) == (FIRST["clientId"], FIRST["principalId"])
    assert claims["xms_mirid"] == FIRST["resourceId"]
    assert claims["iss"].startswith("https://sts.windows.net/")
    assert (claims["nbf"], claims["exp"]) == (now, now + 86400)


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ("client_id", SECOND["clientId"]),
        ("object_id", SECOND["principalId"]),
        ("mi_res_id", SECOND["resourceId"].upper()),
        ("msi_res_id", SECOND["resourceId"]),
    ],
)
async def test_one_of_several_is_asked_for(client: Client, selector: str, value: str) -> None:
    status, body = await ask(client, "both", QUERY | {selector: value})
    assert (status, body["client_id"]) == (200, SECOND["clientId"])


@pytest.mark.parametrize(
    ("pool_id", "more", "words"),
    [
        ("both", {}, "Multiple user assigned identities exist"),
        ("one", {"client_id": SECOND["clientId"]}, "Identity not found"),
        ("both", {"client_id": ELSEWHERE["clientId"]}, "Identity not found"),
        ("none", {}, "Identity not found"),
        ("none", {"client_id": FIRST["clientId"]}, "Identity not found"),
        ("no-such-pool", {}, "Identity not found"),
        ("one", {"resource": ""}, "'resource' is missing"),
        ("one", {"api-version": ""}, "'api-version' is missing"),
        ("one", {"api-version": "1999-01-01"}, "api-version is not known"),
    ],
)
async def test_a_refusal_says_why(client: Client, pool_id: str, more: dict[str, str], words: str) -> None:
    status, body = await ask(client, pool_id, QUERY | more)
    assert (status, body["error"], body["statusCode"]) == (400, "invalid_request", 400)
    assert words in body["error_description"]
    assert body["message"] == body["error_description"]


async def test_who_is_no_task_gets_nothing(client: Client) -> None:
    assert (await ask(client, None))[0] == 400
    for wrong in ("", "x", issue_secret("one", b"another key" * 8)):
        status, body = await ask(client, None, Metadata="true", **{"X-IDENTITY-HEADER": wrong})
        assert (status, "access_token" in body) == (401, False)


@pytest.mark.parametrize("plane", [MANAGEMENT_PLANE, DATA_PLANE])
async def test_a_token_for_the_account_opens_it(client: Client, plane: Plane) -> None:
    for resource in plane.audiences:
        _, body = await ask(client, "one", QUERY | {"resource": resource})
        assert CREDENTIALS.check_token(body["access_token"], plane, NOW) is None


def test_a_secret_opens_no_other_door() -> None:
    secret = issue_secret("one", CREDENTIALS.node_key)
    assert pool_of(secret, CREDENTIALS.node_key) == "one"
    with pytest.raises(TokenRefusedError):
        CREDENTIALS.check_token(secret, DATA_PLANE, NOW)
