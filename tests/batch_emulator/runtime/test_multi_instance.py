"""Multi-instance tasks on a served account: real MPI over two nodes, and kill -9 under one that runs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.batch import models
from azure.batch.aio import BatchClient

from tests.batch_emulator.nodes.waiting import pid_in, until_dead
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow
PROGRAMS = Path(sys.executable).parent
# What a rank knows of its node comes from the launcher's daemon there.
ALLREDUCE = """
import os
from mpi4py import MPI
world = MPI.COMM_WORLD
total = world.allreduce(world.rank + 1)
gathered = world.gather((world.rank, os.path.basename(os.environ["AZ_BATCH_NODE_ROOT_DIR"])))
if world.rank == 0:
    print(f"total {total} of {world.size}")
    for rank, node in gathered:
        print(f"rank {rank} on {node}")
"""


@pytest.fixture
async def script_url() -> AsyncIterator[str]:
    """Where the ranks' program can be fetched."""

    async def script(request: web.Request) -> web.Response:
        return web.Response(text=ALLREDUCE)

    app = web.Application()
    app.router.add_get("/allreduce.py", script)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/allreduce.py"))


async def begin(client: BatchClient, nodes: int = 2) -> None:
    await client.create_pool(a_pool("pool", nodes, enable_inter_node_communication=True))
    await client.create_job(a_job("job", "pool"))


async def completed(client: BatchClient, task_id: str = "mpi") -> models.BatchTask:
    return await eventually(lambda: client.get_task("job", task_id), lambda task: task.state == "completed")


async def output(client: BatchClient, name: str) -> str:
    return b"".join([chunk async for chunk in await client.download_task_file("job", "mpi", name)]).decode()


async def test_mpiexec_over_the_host_list_reduces_over_all_nodes(tmp_path: Path, script_url: str) -> None:
    launch = (
        f"{PROGRAMS}/mpiexec -n 4 --host $(echo $AZ_BATCH_HOST_LIST | sed s/,/:2,/g):2"
        f" {sys.executable} $AZ_BATCH_TASK_SHARED_DIR/allreduce.py"
    )
    settings = models.MultiInstanceSettings(
        number_of_instances=2,
        coordination_command_line="/bin/sh -c 'test -f $AZ_BATCH_TASK_SHARED_DIR/allreduce.py'",
        common_resource_files=[models.ResourceFile(http_url=script_url, file_path="allreduce.py")],
    )
    async with served(tmp_path) as emulator, emulator.client() as client:
        await begin(client)
        await client.create_task("job", a_task("mpi", launch, multi_instance_settings=settings))
        task = await completed(client)
        assert task.execution_info.exit_code == 0, await output(client, "stderr.txt")
        [subtask] = [item async for item in client.list_subtasks("job", "mpi")]
        total, *ranks = (await output(client, "stdout.txt")).splitlines()
    primary, second = task.node_info.node_id, subtask.node_info.node_id
    assert total == "total 10 of 4"
    assert ranks == [f"rank {rank} on {node}" for rank, node in enumerate([primary, primary, second, second])]


async def test_the_host_list_is_all_that_mpirun_needs(tmp_path: Path, script_url: str) -> None:
    launch = f"{PROGRAMS}/mpirun -host $AZ_BATCH_HOST_LIST {sys.executable} ../allreduce.py"
    settings = models.MultiInstanceSettings(
        number_of_instances=3,
        coordination_command_line="/bin/true",
        common_resource_files=[models.ResourceFile(http_url=script_url, file_path="allreduce.py")],
    )
    async with served(tmp_path) as emulator, emulator.client() as client:
        await begin(client, nodes=3)
        await client.create_task("job", a_task("mpi", launch, multi_instance_settings=settings))
        task = await completed(client)
        assert task.execution_info.exit_code == 0, await output(client, "stderr.txt")
        assert (await output(client, "stdout.txt")).splitlines()[0] == "total 6 of 3"


async def test_killed_with_a_multi_instance_task_the_emulator_requeues_it(tmp_path: Path) -> None:
    data, notes = tmp_path / "data", tmp_path / "notes"
    notes.mkdir()
    # Both the subtask's daemon and the primary's command of the first try would run for long.
    daemon = f"setsid sleep 600 & echo $! > {notes}/daemon-$AZ_BATCH_IS_CURRENT_NODE_MASTER"
    settings = models.MultiInstanceSettings(
        number_of_instances=2,
        coordination_command_line=f"/bin/sh -c 'if test ! -e {notes}/first; then {daemon}; fi'",
    )
    script = f"if mkdir {notes}/first; then echo $$ > {notes}/first/pid; sleep 600; fi"
    async with served(data) as emulator, emulator.client() as client:
        await begin(client)
        await client.create_task("job", a_task("mpi", script, multi_instance_settings=settings))
        files = ("daemon-true", "daemon-false", "first/pid")
        pids = [await pid_in(notes / file) for file in files]
        await emulator.kill()
    await until_dead(*pids)
    async with served(data) as emulator, emulator.client() as client:
        task = await completed(client)
        assert (task.execution_info.result, task.execution_info.exit_code) == ("success", 0)
        # No user asked for it and nothing failed.
        assert (task.execution_info.requeue_count, task.execution_info.retry_count) == (0, 0)
        [subtask] = [item async for item in client.list_subtasks("job", "mpi")]
        assert (subtask.id, subtask.state, subtask.result) == (1, "completed", "success")
