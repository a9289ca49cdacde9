"""Container tasks from the official client to a real engine and back; skipped where none runs containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.batch import models
from azure.batch.aio import BatchClient

from batch_emulator.nodes.containers.arguments import nodes_label
from batch_emulator.nodes.containers.engine import Engine
from tests.batch_emulator.nodes.containers.image import an_image, working_engine
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow


@pytest.fixture
async def engine() -> Engine:
    return await working_engine()


@pytest.fixture
async def image(engine: Engine, tmp_path: Path) -> AsyncIterator[str]:
    async for name in an_image(engine, tmp_path):
        yield name


def container_pool(pool_id: str, *images: str, nodes: int = 1) -> models.BatchPoolCreateOptions:
    pool = a_pool(pool_id, nodes)
    assert pool.virtual_machine_configuration is not None
    pool.virtual_machine_configuration.container_configuration = models.BatchContainerConfiguration(
        type="dockerCompatible", container_image_names=list(images)
    )
    return pool


def inside(image: str, **more: Any) -> models.BatchTaskContainerSettings:
    return models.BatchTaskContainerSettings(image_name=image, **more)


async def completed(client: BatchClient, task_id: str) -> models.BatchTask:
    return await eventually(lambda: client.get_task("j", task_id), lambda task: task.state == "completed")


async def output(client: BatchClient, task_id: str, name: str = "stdout.txt") -> str:
    stream = await client.download_task_file("j", task_id, name)
    return b"".join([chunk async for chunk in stream]).decode()


async def left(engine: Engine, data_dir: Path) -> list[str]:
    return await engine.containers_with([nodes_label(data_dir / "nodes")])


async def test_tasks_in_containers(engine: Engine, image: str, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    mark = "cat $AZ_BATCH_NODE_SHARED_DIR/mark"
    script = f"cat /of-the-image; {mark}; pwd; echo $MINE; echo made > here; echo bad >&2; exit 3"
    async with served(data_dir) as emulator, emulator.client() as client:
        pool = container_pool("p", image)
        pool.start_task = models.BatchStartTask(
            command_line="/bin/sh -c 'echo prepared > $AZ_BATCH_NODE_SHARED_DIR/mark'",
            container_settings=inside(image),
            wait_for_success=True,
        )
        await client.create_pool(pool)
        await client.create_job(a_job("j", "p"))
        settings = [models.EnvironmentSetting(name="MINE", value="my own")]
        await client.create_task(
            "j", a_task("whole", script, container_settings=inside(image), environment_settings=settings)
        )
        mounts = [models.ContainerHostBatchBindMountEntry(source="Task", is_read_only=True)]
        alone = inside(image, container_host_batch_bind_mounts=mounts)
        await client.create_task(
            "j", a_task("alone", "env; echo x > written || exit 7", container_settings=alone)
        )
        options = inside(image, container_run_options="--env EXTRA=1 --network none")
        await client.create_task("j", a_task("options", "echo $EXTRA", container_settings=options))
        await client.create_task(
            "j",
            models.BatchTaskCreateOptions(
                id="missing", command_line="/no/such program", container_settings=inside(image)
            ),
        )
        await client.create_task("j", a_task("bare", "echo no container"))

        whole = await completed(client, "whole")
        working = data_dir / "nodes/p" / whole.node_info.node_id / "workitems/j/job-1/whole/wd"
        assert await output(client, "whole") == f"imageprepared\n{working}\nmy own\n"
        assert await output(client, "whole", "stderr.txt") == "bad\n"
        assert await output(client, "whole", "wd/here") == "made\n"
        info = whole.execution_info
        assert (info.exit_code, info.result, info.failure_info.code) == (3, "failure", "FailureExitCode")
        assert info.container_info.state == "exited"
        assert len(info.container_info.container_id) == 64

        started = (await client.get_node("p", whole.node_info.node_id)).start_task_info
        assert (started.result, started.container_info.state) == ("success", "exited")

        assert (await completed(client, "alone")).execution_info.exit_code == 7
        seen = dict(line.partition("=")[::2] for line in (await output(client, "alone")).splitlines())
        assert "AZ_BATCH_NODE_ROOT_DIR" not in seen
        assert seen["AZ_BATCH_TASK_ID"] == "alone"

        await completed(client, "options")
        assert await output(client, "options") == "1\n"

        failed = (await completed(client, "missing")).execution_info
        assert (failed.exit_code, failed.failure_info.code) == (None, "ContainerLaunchFailed")
        bare = (await completed(client, "bare")).execution_info
        assert (bare.exit_code, bare.failure_info.code) == (None, "TaskContainerSettingsMissing")
        assert await left(engine, data_dir) == []


async def test_a_container_ends_when_its_task_is_ended(engine: Engine, image: str, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    forever = "echo up; while :; do sleep 1; done"
    async with served(data_dir) as emulator, emulator.client() as client:
        await client.create_pool(container_pool("p", image, nodes=2))
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("ended", forever, container_settings=inside(image)))
        limit = models.BatchTaskConstraints(max_wall_clock_time=timedelta(seconds=2))
        await client.create_task(
            "j", a_task("bounded", forever, container_settings=inside(image), constraints=limit)
        )

        async def says_up() -> str:
            task = await client.get_task("j", "ended")
            return await output(client, "ended") if task.state == "running" else ""

        # The output is there while the container runs.
        await eventually(says_up, lambda text: text == "up\n")
        assert len(await left(engine, data_dir)) >= 1
        await client.terminate_task("j", "ended")
        for task_id in ("ended", "bounded"):
            info = (await completed(client, task_id)).execution_info
            assert info.failure_info.code == "TaskEnded"
        await eventually(lambda: left(engine, data_dir), lambda containers: containers == [])


async def test_a_killed_emulator_leaves_a_container_only_until_the_next(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    async with served(data_dir) as emulator, emulator.client() as client:
        await client.create_pool(container_pool("p", image))
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("t", "echo up; sleep 600", container_settings=inside(image)))
        await eventually(lambda: left(engine, data_dir), lambda containers: len(containers) == 1)
        earlier = await left(engine, data_dir)
        await emulator.kill()
    async with served(data_dir) as emulator, emulator.client() as client:
        assert not set(earlier) & set(await left(engine, data_dir))
        assert await emulator.stop() == 0
        assert await left(engine, data_dir) == []


async def test_the_instances_of_a_task_run_in_containers(image: str, tmp_path: Path) -> None:
    coordinate = "/bin/sh -c 'echo together > $AZ_BATCH_TASK_DIR/mark'"
    instances = models.MultiInstanceSettings(number_of_instances=2, coordination_command_line=coordinate)
    async with served(tmp_path / "data") as emulator, emulator.client() as client:
        pool = container_pool("p", image, nodes=2)
        pool.enable_inter_node_communication = True
        await client.create_pool(pool)
        await client.create_job(a_job("j", "p"))
        command = "cat /of-the-image $AZ_BATCH_TASK_DIR/mark"
        task = a_task("t", command, container_settings=inside(image), multi_instance_settings=instances)
        await client.create_task("j", task)
        info = (await completed(client, "t")).execution_info
        assert (info.exit_code, info.container_info.state) == (0, "exited")
        assert await output(client, "t") == "imagetogether\n"
        (subtask,) = [subtask async for subtask in client.list_subtasks("j", "t")]
        assert (subtask.exit_code, subtask.container_info.state) == (0, "exited")


async def test_a_node_whose_image_cannot_be_had_is_unusable(engine: Engine, tmp_path: Path) -> None:
    async with served(tmp_path / "data") as emulator, emulator.client() as client:
        await client.create_pool(container_pool("p", "127.0.0.1:1/no/such:image"))

        async def nodes() -> list[models.BatchNode]:
            return [node async for node in client.list_nodes("p")]

        (node,) = await eventually(nodes, lambda found: found and found[0].state == "unusable")
        assert node.errors[0].code == "ContainerInvalidImage"


async def test_without_an_engine_a_node_says_so(tmp_path: Path) -> None:
    async with (
        served(tmp_path / "data", "--container-engine", "none") as emulator,
        emulator.client() as client,
    ):
        await client.create_pool(container_pool("p"))

        async def nodes() -> list[models.BatchNode]:
            return [node async for node in client.list_nodes("p")]

        (node,) = await eventually(nodes, lambda found: found and found[0].state == "unusable")
        assert node.errors[0].code == "ContainerEngineUnavailable"
        await client.create_pool(a_pool("plain", 1))
        await client.create_job(a_job("j", "plain"))
        await client.create_task("j", a_task("t", "true", container_settings=inside("x")))
        info = (await asyncio.wait_for(completed(client, "t"), 60)).execution_info
        assert info.failure_info.code == "ContainerPoolNotSupported"
