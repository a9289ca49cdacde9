"""A node's life (Azure Batch: *Nodes and pools in Azure Batch*, *Azure Batch start task*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import Failure
from batch_emulator.service.effects import BootNode, ReleaseNode
from batch_emulator.service.entities import Node
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World


def a_world(nodes: int = 1, **pool: object) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, **pool))
    world.do("create_job", a_job())
    return world


def the_node(world: World) -> Node:
    return world.service.node("pool", world.node_ids()[0])


def start_task(**more: object) -> dict[str, object]:
    return {"startTask": {"commandLine": "prepare", **more}}


def test_tasks_wait_for_the_start_task() -> None:
    world = a_world(**start_task())
    world.do("create_task", "job", a_task())
    assert world.node_states() == ["waitingforstarttask"]
    assert world.running_tasks() == []
    assert world.service.pool("pool").allocation_state == "steady"
    run = world.run_of(None, "start")
    assert (run.task_root, run.job_id) == ("startup", None)
    world.finish(None, 0, "start")
    assert world.running_tasks() == ["task"]
    info = the_node(world).start_task_info
    assert info is not None
    assert (info["state"], info["result"], info["exitCode"], info["retryCount"]) == (
        "completed",
        "success",
        0,
        0,
    )


def test_a_start_task_is_tried_again_and_its_end_is_final() -> None:
    world = a_world(**start_task(maxTaskRetryCount=1))
    world.finish(None, 3, "start")
    info = the_node(world).start_task_info
    assert info is not None
    assert (info["state"], info["retryCount"]) == ("running", 1)
    assert "endTime" in info
    world.finish(None, 3, "start")
    node = the_node(world)
    assert node.state == "starttaskfailed"
    assert node.start_task_info is not None
    assert node.start_task_info["failureInfo"]["code"] == "FailureExitCode"
    assert world.service.pool_size("pool").dedicated == 1


def test_a_preprocessing_error_of_the_start_task_is_not_retried() -> None:
    world = a_world(**start_task(maxTaskRetryCount=5))
    world.finish(None, None, "start", failure=Failure("BlobNotFound", "no blob"), phase="preprocessing")
    assert world.node_states() == ["starttaskfailed"]


def test_tasks_run_beside_a_start_task_that_is_not_waited_for() -> None:
    world = a_world(**start_task(waitForSuccess=False))
    world.do("create_task", "job", a_task())
    assert world.running_tasks() == ["task"]
    world.finish(None, 1, "start")
    assert world.node_states() == ["running"]
    info = the_node(world).start_task_info
    assert info is not None
    assert info["result"] == "failure"


def test_a_node_whose_packages_fail_is_unusable_and_still_counts() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    world.fail_boots(Failure("ApplicationPackageError", "invalid", details=(("Message", "no zip"),)))
    node = the_node(world)
    assert (node.state, world.service.pool("pool").allocation_state) == ("unusable", "steady")
    assert node.errors == [
        {
            "code": "ApplicationPackageError",
            "message": "invalid",
            "errorDetails": [{"name": "Message", "value": "no zip"}],
        }
    ]
    assert world.service.pool_size("pool").dedicated == 1
    assert refusal(world, "reboot_node", "pool", node.id) == ("NodeStateUnusable", 409)


@pytest.mark.parametrize(
    ("option", "state", "requeues"), [("requeue", "active", 1), ("terminate", "completed", 0)]
)
def test_reboot_at_once(option: str, state: str, requeues: int) -> None:
    world = a_world(**start_task())
    world.finish(None, 0, "start")
    world.do("create_task", "job", a_task())
    world.kills = world.boots = False
    world.do("reboot_node", "pool", the_node(world).id, option=option)
    assert the_node(world).state == "rebooting"
    assert refusal(world, "reboot_node", "pool", the_node(world).id) == ("NodeBeingRebooted", 409)
    world.answer_pending()
    assert (world.task().state, world.task().requeue_count) == (state, requeues)
    assert world.sent(BootNode)[-1].wipe is False
    world.answer_pending()
    assert the_node(world).state == "waitingforstarttask"
    world.finish(None, 0, "start")
    assert the_node(world).state == ("running" if option == "requeue" else "idle")


def test_reboot_after_the_tasks() -> None:
    world = a_world()
    world.do("create_task", "job", a_task("a"))
    world.do("reboot_node", "pool", the_node(world).id, option="taskcompletion")
    world.do("create_task", "job", a_task("b"))
    assert the_node(world).state == "running"
    assert world.running_tasks() == ["a"]
    boot_id = the_node(world).boot_id
    world.finish("a")
    assert the_node(world).boot_id != boot_id
    assert world.running_tasks() == ["b"]


def test_start_task_and_packages_change_with_the_next_boot() -> None:
    world = a_world()
    world.do("patch_pool", "pool", {"startTask": {"commandLine": "new"}})
    assert the_node(world).start_task is None
    world.do("reboot_node", "pool", the_node(world).id)
    assert world.run_of(None, "start").spec["commandLine"] == "new"


def test_a_node_with_a_failed_start_task_can_be_rebooted() -> None:
    world = a_world(**start_task())
    world.finish(None, 1, "start")
    world.do("reboot_node", "pool", the_node(world).id)
    world.finish(None, 0, "start")
    assert the_node(world).state == "idle"


def test_disabled_scheduling() -> None:
    world = a_world(taskSlotsPerNode=2)
    node = the_node(world)
    world.do("create_task", "job", a_task("a"))
    assert refusal(world, "enable_node_scheduling", "pool", node.id) == (
        "NodeAlreadyInTargetSchedulingState",
        409,
    )
    world.do("disable_node_scheduling", "pool", node.id, option="taskcompletion")
    world.do("create_task", "job", a_task("b"))
    assert (node.state, node.scheduling_state, world.running_tasks()) == ("running", "disabled", ["a"])
    world.finish("a")
    assert node.state == "offline"
    assert [reason.code for reason in world.service.why_not_running("job", "b")] == ["NoUsableNode"]
    assert (
        refusal(world, "disable_node_scheduling", "pool", node.id)[0] == "NodeAlreadyInTargetSchedulingState"
    )
    world.do("enable_node_scheduling", "pool", node.id)
    assert world.running_tasks() == ["b"]


@pytest.mark.parametrize(
    ("option", "state", "requeues"), [("requeue", "active", 1), ("terminate", "completed", 0)]
)
def test_disabling_scheduling_may_end_tasks(option: str, state: str, requeues: int) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.do("disable_node_scheduling", "pool", the_node(world).id, option=option)
    assert the_node(world).state == "offline"
    assert (world.task().state, world.task().requeue_count) == (state, requeues)


def test_a_preempted_node_stays_listed_and_comes_back_under_its_id() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    node = the_node(world)
    world.releases = False
    world.preempt(node.id)
    assert node.state == "preempted"
    assert world.sent(ReleaseNode)
    world.answer_pending()
    task = world.task()
    assert (task.state, task.retry_count, task.requeue_count) == ("active", 0, 0)
    assert world.service.pool_size("pool").low_priority == 1
    assert world.service.pool("pool").allocation_state == "steady"
    world.advance(timedelta(minutes=2))
    assert world.sent(BootNode)[-1].wipe is True
    assert (the_node(world), world.running_tasks()) == (node, ["task"])


def test_dedicated_nodes_are_not_preempted() -> None:
    world = a_world()
    world.preempt(the_node(world).id)
    assert the_node(world).state == "idle"


def test_news_of_an_earlier_boot_is_dropped() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    world.do("stop_pool_resize", "pool")
    world.answer_pending()
    assert world.node_ids() == []


def test_unknown_pools_and_nodes() -> None:
    world = a_world()
    assert refusal(world, "reboot_node", "nope", "x") == ("PoolNotFound", 404)
    assert refusal(world, "reboot_node", "pool", "x") == ("NodeNotFound", 404)


def test_node_counts_by_state() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2, targetLowPriorityNodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    (counts,) = world.service.node_counts()
    assert counts.dedicated["total"] == 2
    assert counts.low_priority["total"] == 1
    assert counts.dedicated["running"] + counts.low_priority["running"] == 1


def test_the_service_tries_to_recover_an_unusable_node() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    world.fail_boots(Failure("DiskFull", "full"))
    world.boots = True
    world.advance(timedelta(minutes=9))
    assert the_node(world).state == "unusable"
    world.advance(timedelta(minutes=2))
    assert (the_node(world).state, the_node(world).errors) == ("idle", [])
    assert world.sent(BootNode)[-1].wipe is False


@pytest.mark.parametrize("code", ["ApplicationPackageError", "ContainerInvalidImage"])
def test_a_node_without_its_package_or_image_stays_unusable(code: str) -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    world.fail_boots(Failure(code, "invalid"))
    world.boots = True
    world.advance(timedelta(days=1))
    assert the_node(world).state == "unusable"
