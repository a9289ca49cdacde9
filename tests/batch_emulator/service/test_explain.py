"""Why a task is not running, as data."""

from __future__ import annotations

from typing import Any

from batch_emulator.service import Account, Quotas
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World


def codes(world: World, task_id: str = "task") -> list[str]:
    return [reason.code for reason in world.service.why_not_running("job", task_id)]


def a_world(quota: int = 100, **pool: Any) -> World:
    world = World(Account("acct", quotas=Quotas(dedicated_cores=quota)))
    world.do("create_pool", a_pool(**pool))
    world.do("create_job", a_job(usesTaskDependencies=True))
    return world


def test_nothing_to_explain_about_a_task_that_runs() -> None:
    world = a_world(nodes=1)
    world.do("create_task", "job", a_task())
    assert codes(world) == []


def test_an_empty_pool() -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    assert codes(world) == ["PoolEmpty"]


def test_a_pool_that_got_no_cores_says_so() -> None:
    world = a_world(quota=1, nodes=1)
    world.do("create_task", "job", a_task())
    assert codes(world) == ["PoolEmpty", "ResizeError"]


def test_parents_that_are_missing_blocked_or_not_yet_done() -> None:
    world = a_world(nodes=1)
    world.do("add_tasks", "job", [a_task("bad"), a_task("1")])
    world.finish("bad", 1)
    world.do("create_task", "job", a_task(dependsOn=after("bad", "nobody", ranges=((1, 3),))))
    assert codes(world) == ["DependencyBlocked", "DependencyMissing", "WaitsForTask"]
    messages = [reason.message for reason in world.service.why_not_running("job", "task")]
    assert messages[2] == "It depends on task 1 (range 1-3), which is running."
    world.finish("1")
    assert codes(world)[:3] == ["DependencyBlocked", "DependencyMissing", "DependencyMissing"]


def test_a_job_that_is_disabled() -> None:
    world = a_world(nodes=1)
    world.do("disable_job", "job", "wait")
    world.do("create_task", "job", a_task())
    assert codes(world)[0] == "JobNotActive"


def test_nodes_that_take_no_tasks_are_counted_by_state() -> None:
    world = a_world(nodes=2, startTask={"commandLine": "x"})
    world.do("create_task", "job", a_task())
    world.finish_all(lambda run: 1)
    (reason,) = world.service.why_not_running("job", "task")
    assert reason == ("NoUsableNode", "No node takes tasks: 2 starttaskfailed.")


def test_a_pool_that_is_being_deleted() -> None:
    world = a_world(nodes=1)
    world.releases = False
    world.do("delete_pool", "pool")
    world.do("create_task", "job", a_task())
    assert codes(world)[0] == "PoolBeingDeleted"
