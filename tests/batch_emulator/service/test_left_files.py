"""Directories of tries on several nodes: none outlives the task, wherever it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service.effects import RemoveTaskFiles
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


@pytest.fixture
def world() -> World:
    """A task that was tried on one node and runs on another."""
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task(constraints={"retentionTime": "PT1H"}))
    first = world.task().node_id
    world.do("disable_node_scheduling", "pool", first, option="requeue")
    assert world.task().node_id not in (None, first)
    return world


def removed(world: World) -> set[tuple[str, str]]:
    return {(effect.node_id, effect.task_root) for effect in world.sent(RemoveTaskFiles)}


def everywhere(world: World, root: str = "workitems/job/job-1/task") -> set[tuple[str, str]]:
    return {(node_id, root) for node_id in world.node_ids()}


def test_a_deleted_task_leaves_nothing_on_either_node(world: World) -> None:
    assert removed(world) == set()
    world.finish("task")
    world.do("delete_task", "job", "task")
    assert removed(world) == everywhere(world)


def test_also_when_it_is_deleted_while_it_runs(world: World) -> None:
    world.do("delete_task", "job", "task")
    assert removed(world) == everywhere(world)


def test_also_when_the_retention_time_is_over(world: World) -> None:
    world.finish("task")
    world.advance(timedelta(hours=2))
    assert removed(world) == everywhere(world)
    world.do("delete_task", "job", "task")
    assert len(world.sent(RemoveTaskFiles)) == 2


def test_also_when_it_never_ran_again(world: World) -> None:
    for node_id in world.node_ids():
        if node_id == world.task().node_id:
            world.do("disable_node_scheduling", "pool", node_id, option="requeue")
    assert world.task().state == "active"
    world.do("delete_task", "job", "task")
    assert removed(world) == everywhere(world)


def test_also_after_a_restart_of_the_service(world: World) -> None:
    again = world.restored().task("job", "task")
    assert again.left_on == world.task().left_on
    assert again.left_on is not None


def test_a_reactivated_task_is_remembered_where_it_failed(world: World) -> None:
    world.finish("task", 1)
    world.do("reactivate_task", "job", "task")
    world.finish("task")
    world.do("delete_task", "job", "task")
    assert removed(world) == everywhere(world)
