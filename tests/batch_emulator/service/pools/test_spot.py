"""Spot capacity that is taken back (Azure Batch: *Use Spot VMs with Batch workloads*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service.effects import BootNode, ReleaseNode
from batch_emulator.service.entities import Node
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def a_world(**pool: object) -> World:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1, **pool))
    world.do("create_job", a_job())
    return world


def the_node(world: World) -> Node:
    return world.service.node("pool", world.node_ids()[0])


@pytest.mark.parametrize("option", ["taskcompletion", "retaineddata"])
def test_a_node_that_waits_to_leave_is_gone_when_it_is_preempted(option: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.do("resize_pool", "pool", {"targetLowPriorityNodes": 0, "nodeDeallocationOption": option})
    assert world.node_states() == ["leavingpool"]
    world.preempt(world.node_ids()[0])
    assert world.node_ids() == []
    task = world.task()
    assert (task.state, task.retry_count, task.requeue_count) == ("active", 0, 0)
    assert world.service.pool("pool").allocation_state == "steady"


def test_a_node_that_is_being_removed_is_not_released_twice() -> None:
    world = a_world()
    world.releases = False
    world.do("resize_pool", "pool", {"targetLowPriorityNodes": 0})
    world.preempt(world.node_ids()[0])
    assert len(world.sent(ReleaseNode)) == 1


@pytest.mark.parametrize("action", ["reboot_node", "reimage_node", "deallocate_node"])
def test_a_preempted_node_forgets_what_it_waited_for(action: str) -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.do(action, "pool", the_node(world).id, option="taskcompletion")
    world.preempt(the_node(world).id)
    assert the_node(world).state == "preempted"
    world.advance(timedelta(minutes=2))
    assert (the_node(world).state, world.running_tasks()) == ("running", ["task"])


def test_a_node_can_be_preempted_before_it_was_up() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.preempt(world.node_ids()[0])
    assert world.node_states() == ["preempted"]
    assert world.service.pool("pool").allocation_state == "resizing"
    world.advance(timedelta(minutes=2))
    assert (world.node_states(), len(world.sent(BootNode))) == (["creating"], 2)
    assert world.service.pool("pool").allocation_state == "resizing"
    world.answer_pending()
    assert (world.node_states(), world.service.pool("pool").allocation_state) == (["idle"], "steady")


def test_a_node_that_never_came_up_is_given_up_in_the_end() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.preempt(world.node_ids()[0])
    world.advance(timedelta(minutes=16))
    pool = world.service.pool("pool")
    assert (world.node_ids(), pool.allocation_state) == ([], "steady")
    assert [error["code"] for error in pool.resize_errors] == ["AllocationTimedout"]


def test_preempted_nodes_go_first_when_the_pool_shrinks() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=3))
    gone = world.node_ids()[1]
    world.preempt(gone)
    world.do("resize_pool", "pool", {"targetLowPriorityNodes": 2})
    assert gone not in world.node_ids()


def test_retained_data_was_lost_with_the_disk() -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.preempt(the_node(world).id)
    world.advance(timedelta(minutes=2))
    world.do("resize_pool", "pool", {"targetLowPriorityNodes": 0, "nodeDeallocationOption": "retaineddata"})
    assert world.node_ids() == []
