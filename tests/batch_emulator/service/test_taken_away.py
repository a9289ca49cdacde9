"""Checklist 11: what becomes of a running task when its node or its job is taken from it, by each option.

Azure Batch: *Nodes and pools*, *Jobs and tasks*, *BatchTaskExecutionInfo* (what users ask for is counted).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service.entities import Task
from batch_emulator.service.events import NodeLost
from tests.batch_emulator.service.builders import a_gang, a_task
from tests.batch_emulator.service.tasks.multi_instance.gang_world import GangWorld

Take = Callable[[GangWorld, str], Any]

# With these, the task is given back, terminated, or let finish.
REQUEUED: dict[str, Take] = {
    "reboot": lambda world, node: world.do("reboot_node", "pool", node, option="requeue"),
    "reboot by default": lambda world, node: world.do("reboot_node", "pool", node),
    "reimage": lambda world, node: world.do("reimage_node", "pool", node, option="requeue"),
    "deallocate": lambda world, node: world.do("deallocate_node", "pool", node, option="requeue"),
    "scheduling": lambda world, node: world.do("disable_node_scheduling", "pool", node, option="requeue"),
    "removal": lambda world, node: world.do("remove_nodes", "pool", {"nodeList": [node]}),
    "resize": lambda world, node: world.do(
        "resize_pool", "pool", {"targetDedicatedNodes": 0, "targetLowPriorityNodes": 0}
    ),
    "job": lambda world, node: world.do("disable_job", "job", "requeue"),
}
LOST: dict[str, Take] = {
    "preemption": lambda world, node: world.preempt(node),
    "loss of contact": lambda world, node: world.tell(NodeLost("pool", node)),
    "restart of the service": lambda world, node: world.die(),
}
TERMINATED: dict[str, Take] = {
    "reboot": lambda world, node: world.do("reboot_node", "pool", node, option="terminate"),
    "reimage": lambda world, node: world.do("reimage_node", "pool", node, option="terminate"),
    "deallocate": lambda world, node: world.do("deallocate_node", "pool", node, option="terminate"),
    "scheduling": lambda world, node: world.do("disable_node_scheduling", "pool", node, option="terminate"),
    "removal": lambda world, node: world.do(
        "remove_nodes", "pool", {"nodeList": [node], "nodeDeallocationOption": "terminate"}
    ),
    "resize": lambda world, node: world.do(
        "resize_pool",
        "pool",
        {"targetDedicatedNodes": 0, "targetLowPriorityNodes": 0, "nodeDeallocationOption": "terminate"},
    ),
    "job": lambda world, node: world.do("disable_job", "job", "terminate"),
    "end of the job": lambda world, node: world.do("terminate_job", "job"),
}
FINISHED: dict[str, Take] = {
    "reboot": lambda world, node: world.do("reboot_node", "pool", node, option="taskcompletion"),
    "reimage": lambda world, node: world.do("reimage_node", "pool", node, option="taskcompletion"),
    "deallocate": lambda world, node: world.do("deallocate_node", "pool", node, option="taskcompletion"),
    "scheduling": lambda world, node: world.do(
        "disable_node_scheduling", "pool", node, option="taskcompletion"
    ),
    "removal": lambda world, node: world.do(
        "remove_nodes", "pool", {"nodeList": [node], "nodeDeallocationOption": "taskcompletion"}
    ),
    "job": lambda world, node: world.do("disable_job", "job", "wait"),
}


@pytest.fixture(params=["ordinary", "primary", "subtask"])
def begun(request: pytest.FixtureRequest) -> tuple[GangWorld, str]:
    """A running task that has retries left, and the node that will be taken: its own, or its subtask's."""
    world = GangWorld().begin(nodes=0, targetLowPriorityNodes=2)
    more = {"constraints": {"maxTaskRetryCount": 5}}
    world.do("create_task", "job", a_task(**more) if request.param == "ordinary" else a_gang(**more))
    if request.param != "ordinary":
        world.coordinate()
    node = world.subtasks()[0].node_id if request.param == "subtask" else world.task().node_id
    return world, str(node)


def counts(task: Task) -> tuple[int, int]:
    return task.requeue_count, task.retry_count


def is_given_back(world: GangWorld) -> bool:
    """It is active, or it runs anew already."""
    task = world.task()
    return task.state == "active" or (task.state == "running" and task.tries == 2)


@pytest.mark.parametrize("event", REQUEUED)
def test_requeued_on_request(begun: tuple[GangWorld, str], event: str) -> None:
    world, node = begun
    REQUEUED[event](world, node)
    assert is_given_back(world)
    assert counts(world.task()) == (1, 0)
    assert world.task().last_requeue_time == world.now


@pytest.mark.parametrize("event", LOST)
def test_given_back_without_request(begun: tuple[GangWorld, str], event: str) -> None:
    world, node = begun
    LOST[event](world, node)
    assert is_given_back(world)
    assert counts(world.task()) == (0, 0)
    assert world.task().last_requeue_time is None


@pytest.mark.parametrize("event", TERMINATED)
def test_terminated(begun: tuple[GangWorld, str], event: str) -> None:
    world, node = begun
    TERMINATED[event](world, node)
    task = world.task()
    assert task.failure is not None
    assert (task.state, task.result) == ("completed", "failure")
    assert (task.failure.code, task.failure.category) == ("TaskEnded", "usererror")
    assert counts(task) == (0, 0)
    assert not world.running_tasks()


@pytest.mark.parametrize("event", FINISHED)
def test_let_finish(begun: tuple[GangWorld, str], event: str) -> None:
    world, node = begun
    FINISHED[event](world, node)
    assert (world.task().state, world.task().tries) == ("running", 1)
    world.finish("task")
    assert (world.task().state, world.task().result) == ("completed", "success")
    world.advance(timedelta(minutes=1))
    if event == "job":
        assert world.job_state() == "disabled"
    else:
        states = {node.id: node.state for node in world.service.nodes("pool")}
        assert states.get(node) != "running", "what was asked for has happened"
