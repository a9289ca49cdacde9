"""Clients that insist on https and on bearer tokens, and keys that are regenerated."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.mgmt.batch import BatchManagementClient

from batch_emulator.rest.tokens import DATA_PLANE, MANAGEMENT_PLANE, decoded, issue_token
from tests.batch_emulator.runtime.served import Served, a_job, a_pool, a_task, served

pytestmark = pytest.mark.slow
OTHER_KEY = base64.b64encode(b"o" * 64).decode()
PLANES = {
    "https://batch.core.windows.net//.default": DATA_PLANE,
    "https://management.azure.com/.default": MANAGEMENT_PLANE,
}


class KeyHolder:
    """What `azure-identity` is in Azure: gives clients the tokens that they ask for."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get_token(self, *scopes: str, **_kwargs: object) -> AccessToken:
        (scope,) = scopes
        now = datetime.now(timezone.utc)
        token = issue_token(decoded(self._key), PLANES[scope], now, timedelta(minutes=5))
        return AccessToken(token, int(time.time()) + 300)


def client(emulator: Served, credential: KeyHolder | AzureNamedKeyCredential) -> BatchClient:
    verify = emulator.facts["ca-certificate"]
    return BatchClient(emulator.facts["https-endpoint"], credential, connection_verify=verify)  # type: ignore[arg-type]


def work(batch: BatchClient) -> None:
    """Long-running operations, pages and files: all go where the first request went."""
    batch.create_pool(a_pool("pool", 1))
    batch.create_job(a_job("job", "pool"))
    for number in range(3):
        batch.create_task("job", a_task(f"task-{number}", "echo seen"))
    links = list(batch.list_tasks("job", max_results=1))
    assert [task.id for task in links] == ["task-0", "task-1", "task-2"]
    assert all(str(task.url).startswith("https://127.0.0.1:") for task in links)
    deadline = time.monotonic() + 60
    while batch.get_task("job", "task-0").state != "completed":
        assert time.monotonic() < deadline
    assert b"".join(batch.download_task_file("job", "task-0", "stdout.txt")) == b"seen\n"
    poller = batch.begin_delete_pool("pool", polling_interval=0.05)
    poller.result()
    assert poller.status() == "Succeeded"


async def test_the_official_client_with_tokens_over_https(tmp_path: Path) -> None:
    async with served(tmp_path, "--https-port", "0") as emulator:
        with client(emulator, KeyHolder(emulator.facts["key"])) as batch:
            await asyncio.to_thread(work, batch)
        with client(emulator, KeyHolder(OTHER_KEY)) as batch:
            with pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationInfo") as caught:
                await asyncio.to_thread(batch.get_pool, "pool")
            assert caught.value.response is not None
            assert caught.value.response.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


async def test_regenerated_keys_work_at_once_and_hold(tmp_path: Path) -> None:
    """Checklist 12.20."""
    async with served(tmp_path, "--https-port", "0") as emulator:
        old = emulator.facts["key"]
        management = BatchManagementClient(
            KeyHolder(old),  # type: ignore[arg-type]
            "00000000-0000-0000-0000-000000000000",
            base_url=emulator.facts["https-endpoint"],
            connection_verify=emulator.facts["ca-certificate"],
        )
        account = emulator.facts["account"]
        secondary = management.batch_account.get_keys("local", account).secondary
        keys = await asyncio.to_thread(
            management.batch_account.regenerate_key, "local", account, {"keyName": "Primary"}
        )
        assert keys.primary != old
        assert keys.secondary == secondary
        for key in (keys.primary, keys.secondary):
            with client(emulator, AzureNamedKeyCredential(account, str(key))) as batch:
                assert list(batch.list_pools()) == []
        void = client(emulator, AzureNamedKeyCredential(account, old))
        with void as batch, pytest.raises(HttpResponseError, match="AuthenticationFailed"):
            list(batch.list_pools())
    async with served(tmp_path, "--https-port", "0") as emulator:
        assert emulator.facts["key"] == keys.primary
        with client(emulator, AzureNamedKeyCredential(account, str(keys.primary))) as batch:
            assert list(batch.list_pools()) == []
