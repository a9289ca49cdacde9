"""The whole emulator as a process, through the official client, with files on a real storage service."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from azure.batch import models
from azure.batch.aio import BatchClient
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from demo.stack.accounts import StorageAccount
from tests.batch_emulator.nodes.waiting import until_dead
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow


async def text_of(client: BatchClient, job_id: str, task_id: str, path: str) -> str:
    stream = await client.download_task_file(job_id, task_id, path)
    return b"".join([chunk async for chunk in stream]).decode()


async def all_completed(client: BatchClient, job_id: str) -> dict[str, models.BatchTask]:
    async def tasks() -> list[models.BatchTask]:
        return [task async for task in client.list_tasks(job_id)]

    found = await eventually(tasks, lambda tasks: all(task.state == "completed" for task in tasks))
    return {task.id: task for task in found}


async def test_a_job_with_dependencies_and_files(azurite: StorageAccount, tmp_path: Path) -> None:
    storage = BlobServiceClient.from_connection_string(azurite.connection_string)
    container = storage.create_container(f"job-{uuid.uuid4().hex[:8]}")
    container.upload_blob("input.txt", b"3 4")
    sas = generate_container_sas(
        azurite.name,
        container.container_name,
        account_key=azurite.key,
        permission=ContainerSasPermissions(read=True, list=True, create=True, write=True),
        expiry=datetime.now(timezone.utc) + timedelta(hours=1),
    )
    url = f"{azurite.blob_endpoint}/{container.container_name}"
    upload = models.OutputFile(
        file_pattern="sum*.txt",
        destination=models.OutputFileDestination(
            container=models.OutputFileBlobContainerDestination(container_url=f"{url}?{sas}", path="out")
        ),
        upload_options=models.OutputFileUploadConfiguration(
            upload_condition=models.OutputFileUploadCondition.TASK_SUCCESS
        ),
    )
    async with (
        served(tmp_path, "--storage-connection-string", azurite.connection_string) as emulator,
        emulator.client() as client,
    ):
        start = models.BatchStartTask(
            command_line="/bin/sh -c 'echo ready > $AZ_BATCH_NODE_SHARED_DIR/flag'", wait_for_success=True
        )
        await client.create_pool(a_pool("pool", 2, start_task=start))
        await client.create_job(a_job("job", "pool", uses_task_dependencies=True))
        await client.create_task(
            "job",
            a_task(
                "first",
                "cat $AZ_BATCH_NODE_SHARED_DIR/flag; read a b < in/x.txt; echo $((a + b)) > sum.txt",
                resource_files=[models.ResourceFile(http_url=f"{url}/input.txt?{sas}", file_path="in/x.txt")],
                output_files=[upload],
            ),
        )
        await client.create_task(
            "job",
            a_task(
                "second",
                "cat out/sum.txt; exit 3",
                resource_files=[
                    models.ResourceFile(
                        auto_storage_container_name=container.container_name, blob_prefix="out/"
                    )
                ],
                depends_on=models.BatchTaskDependencies(task_ids=["first"]),
            ),
        )
        tasks = await all_completed(client, "job")
        first, second = tasks["first"], tasks["second"]
        assert (first.execution_info.exit_code, second.execution_info.exit_code) == (0, 3)
        assert second.execution_info.failure_info.code == "FailureExitCode"
        assert second.execution_info.start_time >= first.execution_info.end_time
        assert await text_of(client, "job", "first", "stdout.txt") == "ready\n"
        assert await text_of(client, "job", "second", "stdout.txt") == "7\n"
        assert "matched 1 file(s)" in await text_of(client, "job", "first", "fileuploadout.txt")
        names = [file.name async for file in client.list_task_files("job", "first", recursive=True)]
        assert {"stdout.txt", "wd/in/x.txt", "wd/sum.txt"} <= set(names)
        assert await emulator.stop() == 0
    assert container.download_blob("out/sum.txt").readall() == b"7\n"


async def test_output_can_be_read_while_the_task_runs(tmp_path: Path) -> None:
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 1))
        await client.create_job(a_job("job", "pool"))
        await client.create_task(
            "job", a_task("t", "echo working; while ! [ -e go ]; do sleep 0.05; done; echo done")
        )

        async def stdout() -> str:
            try:
                return await text_of(client, "job", "t", "stdout.txt")
            except HttpResponseError:
                return ""

        assert await eventually(stdout, lambda text: text != "") == "working\n"
        task = await client.get_task("job", "t")
        assert task.state == "running"
        node_files = tmp_path / "nodes/pool" / task.node_info.node_id / task.node_info.task_root_directory
        (node_files / "wd/go").touch()
        await all_completed(client, "job")
        assert await stdout() == "working\ndone\n"


async def test_terminating_a_task_ends_its_processes(tmp_path: Path) -> None:
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 1))
        await client.create_job(a_job("job", "pool"))
        await client.create_task("job", a_task("t", "echo $$; setsid sleep 600 & echo $!; wait"))

        async def stdout() -> list[str]:
            try:
                return (await text_of(client, "job", "t", "stdout.txt")).split()
            except HttpResponseError:
                return []

        pids = await eventually(stdout, lambda words: len(words) == 2)
        await client.terminate_task("job", "t")
        tasks = await all_completed(client, "job")
        assert tasks["t"].execution_info.failure_info.code == "TaskEnded"
        await until_dead(*map(int, pids))


async def test_deleting_the_pool_removes_its_disks(tmp_path: Path) -> None:
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 2))

        async def nodes() -> list[str]:
            return [node.state async for node in client.list_nodes("pool")]

        await eventually(nodes, lambda states: states == ["idle", "idle"])
        assert len(list((tmp_path / "nodes/pool").iterdir())) == 2
        await (await client.begin_delete_pool("pool", polling_interval=0.1)).result()
        assert list((tmp_path / "nodes").iterdir()) == []
