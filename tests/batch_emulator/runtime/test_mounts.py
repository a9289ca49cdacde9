"""Tasks that share a mounted container, through the official client."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from azure.batch import models
from azure.storage.blob import BlobServiceClient

from demo.stack.accounts import StorageAccount
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow


async def test_tasks_share_a_container_as_a_folder(azurite: StorageAccount, tmp_path: Path) -> None:
    storage = BlobServiceClient.from_connection_string(azurite.connection_string)
    container = storage.create_container(f"mount-{uuid.uuid4().hex[:8]}")
    container.upload_blob("in.txt", b"20")
    mount = models.MountConfiguration(
        azure_blob_file_system_configuration=models.AzureBlobFileSystemConfiguration(
            account_name=azurite.name,
            account_key=azurite.key,
            container_name=container.container_name,
            relative_mount_path="data",
        )
    )
    start = models.BatchStartTask(command_line="/bin/sh -c 'cat $AZ_BATCH_NODE_MOUNTS_DIR/data/in.txt'",
                                  wait_for_success=True)  # fmt: skip
    async with (
        served(tmp_path, "--storage-connection-string", azurite.connection_string) as emulator,
        emulator.client() as client,
    ):
        await client.create_pool(a_pool("p", 2, mount_configuration=[mount], start_task=start))
        shown = (await client.get_pool("p")).mount_configuration[0].azure_blob_file_system_configuration
        assert (shown.container_name, shown.account_key) == (container.container_name, None)
        await client.create_job(a_job("j", "p", uses_task_dependencies=True))
        data = "cd $AZ_BATCH_NODE_MOUNTS_DIR/data"
        await client.create_task("j", a_task("one", f"{data}; echo $(($(cat in.txt) + 1)) > out.txt"))
        after = models.BatchTaskDependencies(task_ids=["one"])
        await client.create_task("j", a_task("two", f"{data}; cat out.txt", depends_on=after))
        for task_id in ("one", "two"):
            done = await eventually(
                lambda task_id=task_id: client.get_task("j", task_id),  # type: ignore[misc]
                lambda task: task.state == "completed",
            )
            assert done.execution_info.exit_code == 0
        stream = await client.download_task_file("j", "two", "stdout.txt")
        assert b"".join([chunk async for chunk in stream]) == b"21\n"
        assert container.download_blob("out.txt").readall() == b"21\n"

        wrong = models.MountConfiguration(
            azure_blob_file_system_configuration=models.AzureBlobFileSystemConfiguration(
                account_name=azurite.name,
                account_key=azurite.key,
                container_name="no-such-container",
                relative_mount_path="data",
            )
        )
        await client.create_pool(a_pool("wrong", 1, mount_configuration=[wrong]))

        async def nodes() -> list[models.BatchNode]:
            return [node async for node in client.list_nodes("wrong")]

        (node,) = await eventually(nodes, lambda found: found and found[0].state == "unusable")
        assert node.errors[0].code == "MountConfigurationError"
