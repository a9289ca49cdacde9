"""A task's longest life (Azure Batch: *BatchTaskConstraints*, *Batch service quotas and limits*)."""

from __future__ import annotations

from datetime import timedelta

from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World

LIFE = timedelta(days=180)
DAY = timedelta(days=1)


def a_world(nodes: int = 0) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes))
    world.do("create_job", a_job(usesTaskDependencies=True, onAllTasksComplete="noaction"))
    return world


def codes(world: World, task_id: str) -> list[str]:
    return [reason.code for reason in world.service.why_not_running("job", task_id)]


def test_an_active_task_that_is_too_old_stays_active_and_never_runs() -> None:
    world = a_world()
    world.do("create_task", "job", a_task("old"))
    world.advance(10 * DAY)
    world.do("create_task", "job", a_task("young"))
    world.advance(LIFE - 10 * DAY)
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert world.running_tasks() == ["young"]
    assert (world.states()["old"], codes(world, "old")) == ("active", ["Expired"])
    world.advance(10 * DAY)
    assert world.task("young").state == "completed"


def test_a_day_before_it_runs() -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    world.advance(LIFE - DAY)
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1})
    assert world.running_tasks() == ["task"]


def test_a_running_task_is_ended() -> None:
    world = a_world(nodes=1)
    world.do("create_task", "job", a_task())
    world.advance(LIFE)
    task = world.task()
    assert (task.state, task.result) == ("completed", "failure")
    assert task.failure is not None
    assert task.failure.code == "TaskEnded"


def test_one_that_waits_for_another_task_is_too_old_too() -> None:
    world = a_world(nodes=1)
    world.do("create_task", "job", a_task("child", dependsOn=after("parent")))
    world.advance(LIFE)
    world.do("create_task", "job", a_task("parent"))
    world.finish("parent")
    assert world.states() == {"child": "active", "parent": "completed"}
    assert world.running_tasks() == []


def test_a_disabled_jobs_tasks_are_too_old_when_it_is_enabled() -> None:
    world = a_world(nodes=1)
    world.do("disable_job", "job", "requeue")
    world.do("create_task", "job", a_task())
    world.advance(LIFE)
    world.do("enable_job", "job")
    assert (world.job_state(), world.running_tasks(), codes(world, "task")) == ("active", [], ["Expired"])


def test_a_completed_task_has_no_end_of_life_unless_it_is_to_run_again() -> None:
    world = a_world(nodes=1)
    world.do("create_task", "job", a_task())
    world.finish("task", 1)
    world.advance(LIFE)
    assert world.task().state == "completed"
    world.do("reactivate_task", "job", "task")
    assert (world.states(), codes(world, "task")) == ({"task": "active"}, ["Expired"])


def test_it_is_remembered_over_a_restart() -> None:
    world = a_world()
    world.do("create_task", "job", a_task("old"))
    world.advance(LIFE)
    world.do("create_task", "job", a_task("young"))
    world.die()
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert world.running_tasks() == ["young"]
    world.now += LIFE
    world.die()
    assert (world.running_tasks(), codes(world, "young")) == ([], ["Expired"])
