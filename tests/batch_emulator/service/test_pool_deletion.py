"""Deleting pools, whatever goes on in them (Azure Batch: *Pool - Delete*)."""

from __future__ import annotations

import pytest

from batch_emulator.service import BatchError
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def is_gone(world: World, pool_id: str = "pool") -> bool:
    try:
        world.service.pool(pool_id)
    except BatchError as error:
        return error.code == "PoolNotFound"
    return False


def test_a_running_resize_ends_with_the_pool() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.boots = False
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 3})
    world.do("delete_pool", "pool")
    assert is_gone(world)
    world.answer_pending()  # the machines that come too late are nobody's
    assert is_gone(world)


def test_nodes_that_wait_for_their_tasks_wait_no_longer() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"})
    assert world.node_states() == ["leavingpool"]
    world.do("delete_pool", "pool")
    assert is_gone(world)
    assert (world.task().state, world.task().requeue_count) == ("active", 1)
    assert world.service.job("job").state == "active"


@pytest.mark.parametrize("action", ["reboot_node", "reimage_node", "deallocate_node"])
def test_nodes_that_go_down_go_with_the_pool(action: str) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.boots = world.releases = False
    world.do(action, "pool", world.node_ids()[0])
    world.do("delete_pool", "pool")
    assert not is_gone(world)
    for _ in range(3):
        world.answer_pending()
    assert is_gone(world)


def test_nodes_without_a_machine_go_with_the_pool() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, targetLowPriorityNodes=1))
    for node in list(world.service.nodes("pool")):
        if node.is_dedicated:
            world.do("deallocate_node", "pool", node.id)
        else:
            world.preempt(node.id)
    assert sorted(world.node_states()) == ["deallocated", "preempted"]
    world.do("delete_pool", "pool")
    assert is_gone(world)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("patch_pool", [{}]),
        ("replace_pool_properties", [{"applicationPackageReferences": [], "metadata": []}]),
        ("resize_pool", [{"targetDedicatedNodes": 1}]),
        ("stop_pool_resize", []),
        ("enable_auto_scale", [{"autoScaleFormula": "$TargetDedicatedNodes=0;"}]),
        ("disable_auto_scale", []),
        ("evaluate_auto_scale", ["$TargetDedicatedNodes=0;"]),
        ("remove_nodes", [{"nodeList": ["x"]}]),
        ("delete_pool", []),
    ],
)
def test_a_pool_that_is_being_deleted_takes_no_request(command: str, arguments: list[object]) -> None:
    world = World()
    world.releases = False
    world.do("create_pool", a_pool(nodes=1))
    world.do("delete_pool", "pool")
    with pytest.raises(BatchError) as caught:
        world.do(command, "pool", *arguments)
    assert (caught.value.code, caught.value.status) == ("PoolBeingDeleted", 409)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("reboot_node", []),
        ("reimage_node", []),
        ("deallocate_node", []),
        ("start_node", []),
        ("disable_node_scheduling", []),
        ("enable_node_scheduling", []),
        ("create_node_user", [{"name": "ann"}]),
        ("replace_node_user", ["ann", {}]),
        ("delete_node_user", ["ann"]),
    ],
)
def test_its_nodes_take_none_either(command: str, arguments: list[object]) -> None:
    world = World()
    world.releases = False
    world.do("create_pool", a_pool(nodes=1))
    world.do("delete_pool", "pool")
    with pytest.raises(BatchError) as caught:
        world.do(command, "pool", world.node_ids()[0], *arguments)
    assert (caught.value.code, caught.value.status) == ("PoolBeingDeleted", 409)


def test_a_formula_is_evaluated_no_more() -> None:
    world = World()
    world.releases = False
    formula = "$TargetDedicatedNodes=1;"
    world.do("create_pool", a_pool(enableAutoScale=True, autoScaleFormula=formula))
    assert len(world.node_ids()) == 1
    world.do("delete_pool", "pool")
    world.answer_pending()
    assert is_gone(world)
