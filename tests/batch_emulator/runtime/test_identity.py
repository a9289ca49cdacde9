"""A task gets tokens of its pool's identities with the official client library."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import aiohttp
import jwt
import pytest

from batch_emulator.runtime.certificates import ensure_certificates
from batch_emulator.service.pools.identities import describe
from demo.processes.supervisor import Supervisor
from demo.stack.accounts import StorageAccount
from demo.stack.azurite import azurite_component
from demo.stack.ports import PortPicker
from tests.batch_emulator.runtime.served import Served, a_job, a_task, eventually, served

pytestmark = pytest.mark.slow

IDENTITY = describe(
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
)
SCRIPT = """
import sys
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
client_id = sys.argv[1] if len(sys.argv) > 1 else None
try:
    print(ManagedIdentityCredential(client_id=client_id).get_token("https://storage.azure.com/.default").token)
except (ClientAuthenticationError, CredentialUnavailableError) as error:
    sys.exit(str(error))
"""


STORAGE_SCRIPT = """
import sys
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient
client = BlobServiceClient(sys.argv[1], credential=ManagedIdentityCredential(), connection_verify=sys.argv[2])
container = client.create_container("by-identity")
container.upload_blob("hello", b"from a task")
print(container.download_blob("hello").readall().decode())
"""


@pytest.fixture
def storage_with_tokens(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Azurite over https with its check of tokens: its address, and what to trust."""
    certificates = ensure_certificates(tmp_path, [], datetime.now(timezone.utc))
    ports = PortPicker(use_preferred=False)
    account = StorageAccount(*(ports.take(service, 0) for service in ("blobs", "queues", "tables")))
    plain = azurite_component(account, tmp_path / "storage")
    options = ("--oauth", "basic", "--cert", str(certificates.server), "--key", str(certificates.key))
    with Supervisor(tmp_path) as processes:
        processes.start(replace(plain, argv=(*plain.argv, *options)))
        processes.wait_ready(plain.name)
        yield account.blob_endpoint.replace("http:", "https:"), certificates.authority


async def make_pool(emulator: Served, name: str) -> None:
    """Through the management plane, which alone can give identities."""
    claims = {"iss": "batch-emulator", "aud": "https://management.azure.com/", "exp": time.time() + 300}
    token = jwt.encode(claims, base64.b64decode(emulator.facts["key"]), algorithm="HS256")
    body = {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY["resourceId"]: {}}},
        "properties": {
            "vmSize": "STANDARD_D2S_V3",
            "deploymentConfiguration": {
                "virtualMachineConfiguration": {
                    "imageReference": {
                        "publisher": "canonical",
                        "offer": "ubuntu-24_04-lts",
                        "sku": "server",
                    },
                    "nodeAgentSkuId": "batch.node.ubuntu 24.04",
                }
            },
            "scaleSettings": {"fixedScale": {"targetDedicatedNodes": 1}},
        },
    }
    url = f"{emulator.endpoint}{emulator.facts['resource-id']}/pools/{name}?api-version=2025-06-01"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.put(url, json=body, headers=headers) as response:
        assert response.status == 200, await response.text()


async def test_a_task_gets_a_token_of_its_pools_identity(tmp_path: Path) -> None:
    script = tmp_path / "ask_for_token.py"
    script.write_text(SCRIPT)
    command = f"{sys.executable} {script}"
    async with served(tmp_path / "data") as emulator, emulator.client() as client:
        await make_pool(emulator, "p")
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("only", command))
        await client.create_task("j", a_task("named", f"{command} {IDENTITY['clientId']}"))
        await client.create_task("j", a_task("wrong", f"{command} 00000000-0000-0000-0000-000000000000"))

        async def read(task_id: str, name: str) -> str:
            stream = await client.download_task_file("j", task_id, name)
            return b"".join([chunk async for chunk in stream]).decode()

        for task_id, exit_code in (("only", 0), ("named", 0), ("wrong", 1)):
            done = await eventually(
                lambda task_id=task_id: client.get_task("j", task_id),  # type: ignore[misc]
                lambda task: task.state == "completed",
            )
            assert done.execution_info.exit_code == exit_code, await read(task_id, "stderr.txt")
        for task_id in ("only", "named"):
            claims = jwt.decode(
                (await read(task_id, "stdout.txt")).strip(),
                base64.b64decode(emulator.facts["key"]),
                algorithms=["HS256"],
                audience="https://storage.azure.com",
            )
            assert claims["appid"] == IDENTITY["clientId"]
        assert "Identity not found" in await read("wrong", "stderr.txt")


async def test_a_token_opens_a_storage_emulator_that_checks_claims(
    storage_with_tokens: tuple[str, Path], tmp_path: Path
) -> None:
    endpoint, authority = storage_with_tokens
    script = tmp_path / "use_storage.py"
    script.write_text(STORAGE_SCRIPT)
    async with served(tmp_path / "data") as emulator, emulator.client() as client:
        await make_pool(emulator, "p")
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("t", f"{sys.executable} {script} {endpoint} {authority}"))
        done = await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "completed")
        name = "stdout.txt" if done.execution_info.exit_code == 0 else "stderr.txt"
        stream = await client.download_task_file("j", "t", name)
        assert b"".join([chunk async for chunk in stream]) == b"from a task\n"
