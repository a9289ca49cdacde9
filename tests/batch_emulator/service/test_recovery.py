"""kill -9 at any step: the account is as it was, and the job goes on to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service.effects import BootNode, KillRun, ReleaseNode, StartRun
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World, records_of


def begin() -> World:
    """A pool with a start task; a job with preparation, release, retries, a merge and an end of its own."""
    world = World()
    world.do("create_pool", a_pool(nodes=2, startTask={"commandLine": "start"}))
    special = {"jobPreparationTask": {"commandLine": "prep"}, "jobReleaseTask": {"commandLine": "release"}}
    world.do("create_job", a_job(usesTaskDependencies=True, constraints={"maxTaskRetryCount": 2}, **special))
    split = [a_task(str(number)) for number in range(1, 5)]
    world.do("add_tasks", "job", [*split, a_task("join", dependsOn=after(ranges=((1, 4),)))])
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    return world


def exit_code(run: StartRun) -> int:
    # Every task fails once, its second try succeeds.
    return 1 if run.kind == "task" and run.run_id.endswith(".1") else 0


STEPS = 16


@pytest.mark.parametrize("step", range(STEPS))
def test_whenever_the_service_is_killed_its_job_comes_to_its_end(step: int) -> None:
    world = begin()
    world.finish_all(exit_code, limit=step)
    before = records_of(world.service)
    assert records_of(world.restored()) == before
    world.die()
    world.finish_all(exit_code)
    job = world.service.job("job")
    assert (job.state, job.terminate_reason) == ("completed", "AllTasksComplete")
    assert {task.result for task in world.service.tasks("job")} == {"success"}
    assert all(task.requeue_count == 0 for task in world.service.tasks("job"))


def test_the_steps_cover_the_whole_life_of_the_job() -> None:
    world = begin()
    assert world.finish_all(exit_code) <= STEPS
    assert world.job_state() == "completed"


def test_being_killed_again_and_again_does_no_harm() -> None:
    world = begin()
    for _ in range(40):
        world.finish_all(exit_code, limit=3)
        world.die()
    world.finish_all(exit_code)
    assert world.job_state() == "completed"


def test_nodes_boot_again_with_their_disks() -> None:
    world = begin()
    world.effects.clear()
    world.die()
    assert [(boot.wipe, boot.boot_id[-2:]) for boot in world.sent(BootNode)] == [(False, ".2"), (False, ".2")]


def test_a_node_that_was_being_created_is_created_again_as_the_same_node() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    names = world.node_ids()
    world.effects.clear()
    world.die()
    world.boots = True
    (boot,) = world.sent(BootNode)
    assert (boot.wipe, [boot.node_id]) == (True, names)
    world.die()
    assert world.service.pool("pool").allocation_state == "steady"
    assert world.service.pool_size("pool").dedicated == 1


def test_releases_that_were_not_answered_are_asked_again() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.releases = False
    world.do("delete_pool", "pool")
    world.effects.clear()
    world.releases = True
    world.die()
    assert len(world.sent(ReleaseNode)) == 1
    assert list(world.service.pools()) == []


@pytest.mark.parametrize("option", ["requeue", "terminate", "taskcompletion"])
def test_a_shrinking_pool_gets_steady(option: str) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    world.kills = False
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1, "nodeDeallocationOption": option})
    world.kills = True
    world.die()
    assert world.service.pool("pool").allocation_state == "steady"
    assert world.service.pool_size("pool").dedicated == 1


@pytest.mark.parametrize(
    ("command", "state"), [("terminate_job", "completed"), ("disable_job", "disabled"), ("delete_job", None)]
)
def test_what_was_asked_of_a_job_is_carried_through(command: str, state: str | None) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.kills = False
    world.do(command, "job", *(["requeue"] if command == "disable_job" else []))
    assert world.sent(KillRun)
    world.die()
    assert [job.state for job in world.service.jobs()] == ([state] if state else [])


def test_a_task_that_was_being_terminated_is_terminated() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.kills = False
    world.do("terminate_task", "job", "task")
    world.die()
    assert (world.task().state, world.task().result) == ("completed", "failure")


def test_times_are_kept() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(constraints={"maxWallClockTime": "PT2H"}))
    world.do("create_task", "job", a_task(constraints={"retentionTime": "PT1H"}))
    world.finish("task")
    world.die()
    world.advance(timedelta(minutes=90))
    assert world.task().files_removed
    world.advance(timedelta(hours=1))
    assert world.job_state() == "completed"


def test_etags_go_on_rising() -> None:
    world = World()
    world.do("create_pool", a_pool())
    before = world.service.pool("pool").etag
    world.die()
    world.do("patch_pool", "pool", {"metadata": []})
    assert int(world.service.pool("pool").etag, 16) > int(before, 16)


def test_a_preempted_node_comes_back_after_a_restart() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.releases = False
    world.preempt(world.node_ids()[0])
    world.releases = True
    world.die()
    assert world.node_states() == ["preempted"]
    world.advance(timedelta(minutes=2))
    assert world.node_states() == ["idle"]


def test_the_same_seed_and_requests_give_the_same_effects() -> None:
    worlds = [begin(), begin()]
    for world in worlds:
        world.finish_all(exit_code)
    assert worlds[0].effects == worlds[1].effects
    assert worlds[0].journal == worlds[1].journal
