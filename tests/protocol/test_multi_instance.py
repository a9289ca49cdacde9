"""Checklist 17: multi-instance tasks through the official client."""

from __future__ import annotations

import pytest

from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow


def settings(script: str, instances: int = 2) -> dict[str, object]:
    return {"numberOfInstances": instances, "coordinationCommandLine": f"/bin/sh -c '{script}'"}


async def test_two_nodes_coordinate_and_one_computes(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=2, enableInterNodeCommunication=True))
    await batch.call("create_job", a_job(name, name))
    body = a_task("t", "echo $AZ_BATCH_HOST_LIST", multiInstanceSettings=settings("echo ready >> seen"))
    await batch.call("create_task", name, body)
    task = await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    assert (task.execution_info.result, task.execution_info.exit_code) == ("success", 0)
    assert task.multi_instance_settings.number_of_instances == 2
    [subtask] = await batch.list("list_subtasks", name, "t")
    assert (subtask.id, subtask.state, subtask.previous_state) == (1, "completed", "running")
    assert (subtask.exit_code, subtask.result, subtask.failure_info) == (0, "success", None)
    assert subtask.start_time <= subtask.end_time == subtask.state_transition_time
    where = subtask.node_info
    assert (where.pool_id, where.task_root_directory) == (name, f"workitems/{name}/job-1/t")
    assert where.node_id != task.node_info.node_id
    # Files of subtasks are read on their nodes.
    seen = f"{where.task_root_directory}/wd/seen"
    assert await batch.read("download_node_file", name, where.node_id, seen) == b"ready\n"
    addresses = {node.ip_address for node in await batch.list("list_nodes", name)}
    told = (await batch.read("download_task_file", name, "t", "stdout.txt")).decode().strip()
    assert set(told.split(",")) == addresses
    node = await batch.call("get_node", name, where.node_id)
    assert [(item.task_id, item.subtask_id) for item in node.recent_tasks] == [("t", 1)]
    assert node.recent_tasks[0].execution_info.exit_code == 0
    narrow = await batch.list("list_subtasks", name, "t", select=["id", "exitCode"])
    assert [item.as_dict() for item in narrow] == [{"id": 1, "exitCode": 0}]
    await batch.run("begin_delete_pool", name)


async def test_a_failing_subtask_fails_the_task(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=2, enableInterNodeCommunication=True))
    await batch.call("create_job", a_job(name, name))
    script = 'test "$AZ_BATCH_IS_CURRENT_NODE_MASTER" = true || exit 4'
    await batch.call("create_task", name, a_task("t", multiInstanceSettings=settings(script)))
    task = await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    assert (task.execution_info.result, task.execution_info.exit_code) == ("failure", 4)
    assert task.execution_info.failure_info.code == "FailureExitCode"
    [subtask] = await batch.list("list_subtasks", name, "t")
    assert (subtask.exit_code, subtask.result) == (4, "failure")
    assert subtask.failure_info.code == "FailureExitCode"
    await batch.run("begin_delete_pool", name)


async def test_it_waits_for_ever_on_a_pool_without_communication(aio_batch: Driver, name: str) -> None:
    await aio_batch.call("create_pool", a_pool(name, nodes=1))
    await aio_batch.call("create_job", a_job(name, name))
    await aio_batch.call("create_task", name, a_task("multi", multiInstanceSettings=settings("true", 1)))
    await aio_batch.call("create_task", name, a_task("after"))
    await aio_batch.until(lambda task: task.state == "completed", "get_task", name, "after")
    multi = await aio_batch.call("get_task", name, "multi")
    assert (multi.state, multi.node_info) == ("active", None)
    await aio_batch.call("terminate_task", name, "multi")
    assert (await aio_batch.call("get_task", name, "multi")).state == "completed"
    await aio_batch.run("begin_delete_pool", name)
