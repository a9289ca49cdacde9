"""A task gets tokens of its pool's identities with the official client library."""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path

import aiohttp
import jwt
import pytest

from batch_emulator.service.identities import describe
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
