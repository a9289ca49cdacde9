"""Jobs that are ended or deleted with `force`: nobody waits for their nodes."""

from __future__ import annotations

import pytest

from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    return world


def test_terminated_by_force_a_job_does_not_wait_for_its_nodes(world: World) -> None:
    world.do(
        "create_job", a_job(jobPreparationTask={"commandLine": "x"}, jobReleaseTask={"commandLine": "y"})
    )
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    world.kills = False
    world.do("terminate_job", "job")
    assert world.job_state() == "terminating"
    assert refusal(world, "terminate_job", "job") == ("JobBeingTerminated", 409)
    world.do("terminate_job", "job", force=True)
    assert (world.job_state(), world.states()) == ("completed", {"task": "completed"})
    # The release task is started, and ends when it ends.
    world.finish("jobrelease", kind="release")
    [status] = world.service.job_node_runs("job")
    assert status.release is not None
    assert status.release.result == "success"
    world.answer_pending()
    world.do("create_job", a_job("next"))
    world.do("create_task", "next", a_task())
    assert world.service.task("next", "task").state == "running"


def test_a_job_that_was_terminated_by_force_may_be_deleted_at_once(world: World) -> None:
    world.do(
        "create_job", a_job(jobPreparationTask={"commandLine": "x"}, jobReleaseTask={"commandLine": "y"})
    )
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    world.do("terminate_job", "job", force=True)
    world.do("delete_job", "job")
    assert not list(world.service.jobs())
    assert world.node_states() == ["idle", "idle"]


def test_deleted_by_force_a_job_is_gone_at_once(world: World) -> None:
    world.do(
        "create_job", a_job(jobPreparationTask={"commandLine": "x"}, jobReleaseTask={"commandLine": "y"})
    )
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    world.kills = False
    world.do("delete_job", "job")
    assert refusal(world, "delete_job", "job") == ("JobBeingDeleted", 409)
    world.do("delete_job", "job", force=True)
    assert not list(world.service.jobs())
    world.answer_pending()
    assert world.node_states() == ["idle", "idle"]


def test_what_was_ended_by_force_keeps_its_place_until_it_is_gone() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, taskSlotsPerNode=2))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("create_job", a_job("next"))
    world.kills = False
    world.do("delete_job", "job", force=True)
    world.do("create_task", "next", a_task("large", requiredSlots=2))
    world.do("create_task", "next", a_task("small"))
    assert (world.states("next"), world.node_states()) == (
        {"large": "active", "small": "running"},
        ["running"],
    )
    world.finish("small")
    assert (world.states("next")["large"], world.node_states()) == ("active", ["running"])
    world.answer_pending()
    assert world.states("next")["large"] == "running"


@pytest.mark.parametrize("option", ["requeue", "taskcompletion"])
def test_a_node_waits_for_what_was_ended_by_force_before_it_leaves(option: str) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(jobManagerTask={"id": "boss", "commandLine": "x"}))
    world.kills = False
    world.do("terminate_job", "job", force=True)
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": option})
    assert world.node_states() == ["leavingpool"]
    world.answer_pending()
    assert world.node_states() == []


def test_nothing_that_was_ended_by_force_outlives_the_service() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.kills = False
    world.do("terminate_job", "job", force=True)
    world.do("create_job", a_job("next"))
    world.do("create_task", "next", a_task())
    assert world.states("next") == {"task": "active"}
    world.die()
    assert world.states("next") == {"task": "running"}
