from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from demo.stack.accounts import StorageAccount
from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow


@pytest.fixture
async def node_id(batch: Driver, name: str) -> AsyncIterator[str]:
    """An idle node of a pool of this test."""
    await batch.call("create_pool", a_pool(name, nodes=1, startTask={"commandLine": "true"}))
    pool_is_ready = "steady"
    await batch.until(lambda pool: pool.allocation_state == pool_is_ready, "get_pool", name)
    [node] = await batch.list("list_nodes", name)
    await batch.until(lambda node: node.state == "idle", "get_node", name, node.id)
    yield node.id
    await batch.run("begin_delete_pool", name)


async def test_an_idle_node(batch: Driver, name: str, node_id: str) -> None:
    node = await batch.call("get_node", name, node_id)
    assert (node.scheduling_state, node.is_dedicated, node.vm_size) == ("enabled", True, "standard_d2s_v3")
    assert node.node_agent_info.version
    assert (node.start_task_info.state, node.start_task_info.exit_code) == ("completed", 0)
    assert node.virtual_machine_info.image_reference.exact_version
    assert (node.total_tasks_run, node.running_tasks_count) == (0, 0)
    [only] = await batch.list("list_nodes", name, select=["id", "state"])
    assert batch.last.body["value"] == [{"id": node_id, "state": "idle"}]
    assert only.vm_size is None


async def test_recent_tasks(batch: Driver, name: str, node_id: str) -> None:
    await batch.call("create_job", a_job(name, name))
    await batch.call("create_task", name, a_task("t"))
    await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    node = await batch.until(lambda node: node.state == "idle", "get_node", name, node_id)
    assert (node.total_tasks_run, node.total_tasks_succeeded) == (1, 1)
    assert (node.recent_tasks[0].task_id, node.recent_tasks[0].execution_info.exit_code) == ("t", 0)


async def test_scheduling_is_switched_off_and_on(batch: Driver, name: str, node_id: str) -> None:
    options = {"nodeDisableSchedulingOption": "terminate"}
    await batch.call("disable_node_scheduling", name, node_id, options)
    assert batch.last.status == 200
    node = await batch.call("get_node", name, node_id)
    assert (node.scheduling_state, node.state) == ("disabled", "offline")
    await batch.call("enable_node_scheduling", name, node_id)
    assert (await batch.call("get_node", name, node_id)).scheduling_state == "enabled"


async def test_reboot(batch: Driver, name: str, node_id: str) -> None:
    before = (await batch.call("get_node", name, node_id)).last_boot_time
    answer = await batch.run("begin_reboot_node", name, node_id, {"nodeRebootOption": "terminate"})
    assert answer.status == 202
    node = await batch.until(lambda node: node.state == "idle", "get_node", name, node_id)
    assert node.last_boot_time > before


async def test_reimage(batch: Driver, name: str, node_id: str) -> None:
    answer = await batch.run("begin_reimage_node", name, node_id, {"nodeReimageOption": "requeue"})
    assert answer.status == 202
    node = await batch.until(lambda node: node.state == "idle", "get_node", name, node_id)
    assert node.start_task_info.exit_code == 0


async def test_a_reboot_keeps_the_disk_and_a_reimage_empties_it(aio_batch: Driver, name: str) -> None:
    batch = aio_batch
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.until(lambda pool: pool.allocation_state == "steady", "get_pool", name)
    [node] = await batch.list("list_nodes", name)
    await batch.call("create_job", a_job(name, name))
    await batch.call("create_task", name, a_task("t", "touch $AZ_BATCH_NODE_SHARED_DIR/kept"))
    await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    await batch.call("get_node_file_properties", name, node.id, "shared/kept")
    await batch.run("begin_reboot_node", name, node.id, {"nodeRebootOption": "requeue"})
    await batch.until(lambda node: node.state == "idle", "get_node", name, node.id)
    await batch.call("get_node_file_properties", name, node.id, "shared/kept")
    await batch.run("begin_reimage_node", name, node.id, {"nodeReimageOption": "requeue"})
    await batch.until(lambda node: node.state == "idle", "get_node", name, node.id)
    with pytest.raises(HttpResponseError) as caught:
        await batch.call("get_node_file_properties", name, node.id, "shared/kept")
    assert caught.value.status_code == 404
    with pytest.raises(HttpResponseError) as caught:
        await batch.read("download_task_file", name, "t", "stdout.txt")
    assert caught.value.status_code == 409
    await batch.call("begin_delete_job", name)
    await batch.run("begin_delete_pool", name)


async def test_a_node_is_deallocated_and_started(batch: Driver, name: str, node_id: str) -> None:
    answer = await batch.run("begin_deallocate_node", name, node_id, {"nodeDeallocateOption": "terminate"})
    assert answer.status == 202
    node = await batch.until(lambda node: node.state == "deallocated", "get_node", name, node_id)
    assert node.node_agent_info is None
    [counts] = await batch.list("list_pool_node_counts", filter=f"poolId eq '{name}'")
    assert counts.dedicated.deallocated == 1
    answer = await batch.run("begin_start_node", name, node_id)
    assert answer.status == 202
    await batch.until(lambda node: node.state == "idle", "get_node", name, node_id)


async def test_users_of_a_node(batch: Driver, name: str, node_id: str) -> None:
    user = models.BatchNodeUserCreateOptions(name="ann", is_admin=False, password="kt#_gahr!@aGERDXA")
    await batch.call("create_node_user", name, node_id, user)
    assert batch.last.status == 201
    assert batch.last.headers["location"].endswith(f"/nodes/{node_id}/users/ann")
    with pytest.raises(HttpResponseError) as caught:
        await batch.call("create_node_user", name, node_id, user)
    assert (caught.value.status_code, caught.value.error.code) == (409, "NodeUserExists")  # type: ignore[union-attr]
    await batch.call(
        "replace_node_user", name, node_id, "ann", models.BatchNodeUserReplaceOptions(password="liilef#$Dd")
    )
    assert batch.last.status == 200
    await batch.call("delete_node_user", name, node_id, "ann")
    assert batch.last.status == 200
    with pytest.raises(HttpResponseError) as caught:
        await batch.call("delete_node_user", name, node_id, "ann")
    assert (caught.value.status_code, caught.value.error.code) == (404, "NodeUserNotFound")  # type: ignore[union-attr]


async def test_remote_login(batch: Driver, name: str, node_id: str) -> None:
    login = await batch.call("get_node_remote_login_settings", name, node_id)
    assert "remoteLoginIPAddress" in login
    assert (login.remote_login_ip_address, login.remote_login_port) == ("127.0.0.1", 50000)
    assert login.ipv6_remote_login_ip_address is None


async def test_log_files_are_uploaded(
    batch: Driver, name: str, node_id: str, azurite: StorageAccount
) -> None:
    account = BlobServiceClient.from_connection_string(azurite.connection_string)
    container = account.create_container(name + uuid.uuid4().hex[:6])
    now = datetime.now(timezone.utc)
    sas = generate_container_sas(
        account.account_name,
        container.container_name,
        account_key=account.credential.account_key,
        permission=ContainerSasPermissions(write=True, create=True),
        expiry=now + timedelta(hours=1),
    )
    asked = models.UploadBatchServiceLogsOptions(
        container_url=f"{container.url}?{sas}", start_time=now - timedelta(minutes=6)
    )
    result = await batch.call("upload_node_logs", name, node_id, asked)
    assert result.number_of_files_uploaded == 1
    blob_name = f"{result.virtual_directory_name}/agent-debug.log"
    assert f"/{name}/{node_id}/" in blob_name

    async def is_there() -> bool:
        return await asyncio.to_thread(container.get_blob_client(blob_name).exists)

    async def until_there() -> None:
        while not await is_there():
            await asyncio.sleep(0.05)

    await asyncio.wait_for(until_there(), 60)
    text = (await asyncio.to_thread(container.download_blob, blob_name)).readall().decode()
    assert "with an empty disk" in text
    asked.start_time, asked.end_time = now - timedelta(days=2), now - timedelta(days=1)
    assert (await batch.call("upload_node_logs", name, node_id, asked)).number_of_files_uploaded == 0
    nowhere = models.UploadBatchServiceLogsOptions(
        container_url="https://computecontainer.blob.core.windows.net/", start_time=now - timedelta(minutes=6)
    )
    assert (await batch.call("upload_node_logs", name, node_id, nowhere)).number_of_files_uploaded == 1
