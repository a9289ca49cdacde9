"""Tasks that make room for jobs of higher priority (Azure Batch: *BatchJob*, allowTaskPreemption)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def a_world(slots: int = 1, nodes: int = 1, **low: Any) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, taskSlotsPerNode=slots))
    world.do("create_job", a_job("low", **low))
    world.do("create_job", a_job("high", priority=1))
    return world


def test_a_job_that_allows_it_gives_way() -> None:
    world = a_world(allowTaskPreemption=True)
    world.do("create_task", "low", a_task("l"))
    world.do("create_task", "high", a_task("h"))
    assert world.running_tasks() == ["h"]
    task = world.task("l", "low")
    assert (task.state, task.requeue_count, task.retry_count) == ("active", 0, 0)
    world.finish("h")
    assert world.running_tasks() == ["l"]


@pytest.mark.parametrize("low", [{}, {"allowTaskPreemption": True, "priority": 1}])
def test_nobody_else_does(low: dict[str, Any]) -> None:
    world = a_world(**low)
    world.do("create_task", "low", a_task("l"))
    world.do("create_task", "high", a_task("h"))
    assert world.running_tasks() == ["l"]


def test_no_more_tasks_go_than_need_be() -> None:
    world = a_world(slots=4, nodes=2, allowTaskPreemption=True)
    world.do("add_tasks", "low", [a_task(f"l{n}") for n in range(8)])
    world.do("create_task", "high", a_task("h", requiredSlots=3))
    assert len(world.running_tasks()) == 6
    assert "h" in world.running_tasks()


def test_the_task_that_asks_for_room_waits_until_the_others_are_gone() -> None:
    world = a_world(allowTaskPreemption=True)
    world.do("create_task", "low", a_task("l"))
    world.kills = False
    world.do("create_task", "high", a_task("h"))
    world.do("create_task", "high", a_task("i"))
    assert (world.running_tasks(), len(world.pending)) == (["l"], 1)
    world.kills = True
    world.answer_pending()
    assert world.running_tasks() == ["h"]


def test_it_may_be_allowed_and_forbidden_later() -> None:
    world = a_world()
    world.do("create_task", "low", a_task("l"))
    world.do("create_task", "high", a_task("h"))
    world.do("patch_job", "low", {"allowTaskPreemption": True})
    assert world.running_tasks() == ["h"]
    world.finish("h")
    world.do("patch_job", "low", {"allowTaskPreemption": False})
    world.do("create_task", "high", a_task("i"))
    assert world.running_tasks() == ["l"]


def test_it_is_remembered_over_a_restart() -> None:
    world = a_world(allowTaskPreemption=True)
    world.die()
    world.do("create_task", "low", a_task("l"))
    world.do("create_task", "high", a_task("h"))
    assert world.running_tasks() == ["h"]
