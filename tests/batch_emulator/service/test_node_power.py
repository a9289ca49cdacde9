"""Reimaging, deallocating and starting nodes (Azure Batch: *Compute Node* of the REST reference)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service.effects import BootNode, ReleaseNode
from batch_emulator.service.entities import Node
from batch_emulator.service.queries import PoolSize
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World

ACTIONS = ["reboot_node", "reimage_node", "deallocate_node"]
GOING_DOWN = {"reboot_node": "rebooting", "reimage_node": "reimaging", "deallocate_node": "deallocating"}
OUTCOMES = {"requeue": ("active", 1), "terminate": ("completed", 0)}


def a_world(**job: object) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(**job))
    return world


def the_node(world: World) -> Node:
    return world.service.node("pool", world.node_ids()[0])


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("option", ["requeue", "terminate"])
def test_tasks_end_at_once_as_the_option_says(action: str, option: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.kills = world.boots = world.releases = False
    world.do(action, "pool", the_node(world).id, option=option)
    assert the_node(world).state == GOING_DOWN[action]
    world.answer_pending()
    task = world.task()
    assert (task.state, task.requeue_count) == OUTCOMES[option]
    assert the_node(world).state == GOING_DOWN[action]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_patient_node_finishes_its_tasks_first(action: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task("a"))
    world.do(action, "pool", the_node(world).id, option="taskcompletion")
    world.do("create_task", "job", a_task("b"))
    assert (the_node(world).state, world.running_tasks()) == ("running", ["a"])
    world.boots = world.releases = False
    world.finish("a")
    assert the_node(world).state == GOING_DOWN[action]
    assert world.task("a").result == "success"


@pytest.mark.parametrize("action", ACTIONS)
def test_retained_data_is_waited_for(action: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task(constraints={"retentionTime": "PT10M"}))
    world.finish("task")
    world.do(action, "pool", the_node(world).id, option="retaineddata")
    assert the_node(world).state == "idle"
    world.boots = world.releases = False
    world.advance(timedelta(minutes=11))
    assert the_node(world).state == GOING_DOWN[action]


@pytest.mark.parametrize("action", ACTIONS)
def test_an_unknown_option_is_refused(action: str) -> None:
    world = a_world()
    assert refusal(world, action, "pool", the_node(world).id, option="now") == ("InvalidPropertyValue", 400)


def test_reimaging_empties_the_disk_and_prepares_again() -> None:
    preparation = {"commandLine": "prepare", "rerunOnNodeRebootAfterSuccess": False}
    world = a_world(jobPreparationTask=preparation)
    world.do("create_task", "job", a_task("a"))
    world.finish("jobpreparation", kind="preparation")
    world.finish("a")
    world.do("reboot_node", "pool", the_node(world).id)
    world.do("create_task", "job", a_task("b"))
    world.finish("b")  # a reboot leaves the disk as it is: no preparation
    world.do("create_node_user", "pool", the_node(world).id, {"name": "ann"})
    world.do("reimage_node", "pool", the_node(world).id)
    assert world.sent(BootNode)[-1].wipe is True
    assert the_node(world).users == {}
    world.do("create_task", "job", a_task("c"))
    world.finish("jobpreparation", kind="preparation")
    world.finish("c")


def test_a_deallocated_node_stays_in_its_pool_and_runs_nothing() -> None:
    world = a_world()
    node = the_node(world)
    world.releases = False
    world.do("deallocate_node", "pool", node.id)
    assert (node.state, world.sent(ReleaseNode)[-1].node_id) == ("deallocating", node.id)
    assert refusal(world, "start_node", "pool", node.id) == ("OperationInvalidForCurrentState", 409)
    world.answer_pending()
    assert node.state == "deallocated"
    world.do("create_task", "job", a_task())
    assert world.running_tasks() == []
    assert world.service.pool_size("pool") == PoolSize(1, 0)
    (counts,) = world.service.node_counts()
    assert counts.dedicated["deallocated"] == 1
    for action in ACTIONS:
        assert refusal(world, action, "pool", node.id) == ("OperationInvalidForCurrentState", 409)


def test_a_started_node_boots_anew_and_works() -> None:
    world = a_world()
    node = the_node(world)
    world.do("deallocate_node", "pool", node.id)
    world.do("create_task", "job", a_task())
    world.boots = False
    world.do("start_node", "pool", node.id)
    assert (node.state, world.sent(BootNode)[-1].wipe) == ("starting", True)
    world.answer_pending()
    assert world.running_tasks() == ["task"]


def test_a_node_that_is_not_deallocated_cannot_be_started() -> None:
    world = a_world()
    assert refusal(world, "start_node", "pool", the_node(world).id) == (
        "OperationInvalidForCurrentState",
        409,
    )
    assert refusal(world, "start_node", "pool", "x") == ("NodeNotFound", 404)


def test_a_deallocated_node_can_be_removed() -> None:
    world = a_world()
    world.do("deallocate_node", "pool", the_node(world).id)
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0})
    assert world.node_ids() == []


def test_a_node_that_is_removed_while_it_is_deallocated_is_gone() -> None:
    world = a_world()
    world.releases = False
    world.do("deallocate_node", "pool", the_node(world).id)
    world.do("remove_nodes", "pool", {"nodeList": world.node_ids()})
    world.answer_pending()
    assert (world.node_ids(), world.service.pool("pool").allocation_state) == ([], "steady")


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("reboot_node", "NodeBeingRebooted"),
        ("reimage_node", "NodeBeingReimaged"),
        ("deallocate_node", "OperationInvalidForCurrentState"),
    ],
)
@pytest.mark.parametrize("option", ["requeue", "taskcompletion"])
def test_a_node_that_goes_down_takes_no_further_request(action: str, code: str, option: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.boots = world.releases = world.kills = False
    world.do(action, "pool", the_node(world).id, option=option)
    for other in ACTIONS:
        assert refusal(world, other, "pool", the_node(world).id) == (code, 409)


def test_only_idle_and_running_nodes_are_deallocated() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    assert refusal(world, "deallocate_node", "pool", world.node_ids()[0]) == ("NodeBeingCreated", 409)
    world = World()
    world.do("create_pool", a_pool(nodes=1, startTask={"commandLine": "prepare"}))
    assert refusal(world, "deallocate_node", "pool", world.node_ids()[0]) == ("NodeBeingStarted", 409)
    world.finish(None, 1, "start")
    assert refusal(world, "deallocate_node", "pool", world.node_ids()[0])[1] == 409
    world.do("reimage_node", "pool", world.node_ids()[0])
    assert world.node_states() == ["waitingforstarttask"]


def test_deallocated_spot_nodes_have_nothing_to_be_taken() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.do("deallocate_node", "pool", world.node_ids()[0])
    world.preempt(world.node_ids()[0])
    assert world.node_states() == ["deallocated"]


@pytest.mark.parametrize("action", ACTIONS)
def test_what_was_asked_is_done_after_a_restart_of_the_service(action: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.boots = world.releases = world.kills = False
    world.do(action, "pool", the_node(world).id, option="taskcompletion")
    world.die()
    assert the_node(world).state == GOING_DOWN[action]
    world.die()
    world.boots = world.releases = world.kills = True
    world.answer_pending()
    if action == "deallocate_node":
        assert the_node(world).state == "deallocated"
        world.die()
        assert the_node(world).state == "deallocated"
        world.do("start_node", "pool", the_node(world).id)
    elif action == "reimage_node":
        assert world.sent(BootNode)[-1].wipe is True
    assert world.running_tasks() == ["task"]
