"""A node whose agent is gone, and one whose capacity is away for a given time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service.errors import BatchError, Failure
from batch_emulator.service.events import NodeLost, NodePreempted
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def a_world(nodes: int = 1, **pool: object) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, **pool))
    world.do("create_job", a_job())
    return world


def lose(world: World, away: float | None = 60.0, at: int = 0) -> str:
    node_id = world.node_ids()[at]
    world.tell(NodeLost("pool", node_id, away))
    return node_id


def test_tasks_of_a_lost_node_run_elsewhere_without_a_retry_or_a_requeue_of_a_user() -> None:
    world = a_world(nodes=2)
    world.do("create_task", "job", a_task())
    lost = world.run_of("task").node_id
    world.tell(NodeLost("pool", lost))
    task = world.task()
    assert (task.state, task.retry_count, task.requeue_count, task.losses) == ("running", 0, 0, 0)
    assert task.node_id != lost


def test_the_node_is_unknown_until_it_is_found() -> None:
    world = a_world()
    lose(world)
    assert world.node_states() == ["unknown"]
    world.advance(timedelta(seconds=59))
    assert world.node_states() == ["unknown"]
    world.advance(timedelta(seconds=1))
    assert world.node_states() == ["idle"]


@pytest.mark.parametrize("exit_code", [0, 137])
def test_a_preparation_that_is_still_being_killed_ends_before_it_runs_again(exit_code: int) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(jobPreparationTask={"commandLine": "prepare", "waitForSuccess": True}))
    world.do("create_task", "job", a_task())
    world.kills = False
    lose(world, 0.0)
    world.do("create_task", "job", a_task("other"))
    assert len(world.running) == 1
    (first,) = world.running.values()
    world.finish("jobpreparation", exit_code, "preparation", killed=exit_code != 0)
    # On the node as it is now it has not run yet, however it ended before.
    again = world.run_of("jobpreparation", "preparation")
    assert again.run_id != first.run_id
    assert world.running_tasks() == []
    world.finish("jobpreparation", 0, "preparation")
    assert len(world.running_tasks()) == 1


def test_an_unusable_node_that_is_lost_is_away_as_long_as_it_is_said() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    world.fail_boots(Failure("DiskFull", "The disk is full", "servererror"))
    assert world.node_states() == ["unusable"]
    lose(world, None)
    world.advance(timedelta(days=3))
    assert world.node_states() == ["unknown"]


def test_a_user_can_do_nothing_with_an_unknown_node_but_remove_it() -> None:
    world = a_world()
    node = lose(world, None)
    with pytest.raises(BatchError, match="NodeStateUnusable"):
        world.do("reboot_node", "pool", node)
    world.advance(timedelta(days=3))
    assert world.node_states() == ["unknown"]
    world.do("remove_nodes", "pool", {"nodeList": [node]})
    assert world.node_states() == []


def test_the_job_preparation_runs_again_on_a_node_that_was_found() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(jobPreparationTask={"commandLine": "/bin/true"}))
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    lose(world)
    world.advance(timedelta(minutes=1))
    assert [run.kind for run in world.running.values()] == ["preparation"]


def test_a_job_does_not_wait_for_a_node_that_is_lost() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    special = {name: {"commandLine": "/bin/true"} for name in ("jobPreparationTask", "jobReleaseTask")}
    world.do("create_job", a_job(**special))
    world.do("create_task", "job", a_task())
    world.finish("jobpreparation", kind="preparation")
    world.finish("task")
    lose(world, None)
    world.do("terminate_job", "job")
    assert world.job_state() == "completed"


def test_the_time_away_outlives_a_restart() -> None:
    world = a_world(nodes=0, targetLowPriorityNodes=1)
    world.tell(NodePreempted("pool", world.node_ids()[0], 600.0))
    world.die()
    assert world.node_states() == ["preempted"]
    world.advance(timedelta(seconds=599))
    assert world.node_states() == ["preempted"]
    world.advance(timedelta(seconds=1))
    assert world.node_states() == ["idle"]


def test_capacity_does_not_return_before_the_machine_is_gone() -> None:
    world = a_world(nodes=0, targetLowPriorityNodes=1)
    world.releases = False
    world.tell(NodePreempted("pool", world.node_ids()[0], 1.0))
    world.advance(timedelta(minutes=10))
    assert world.node_states() == ["preempted"]
    world.answer_pending()
    world.advance(timedelta(0))
    assert world.node_states() == ["idle"]


def test_after_a_restart_of_the_service_a_lost_node_starts_again() -> None:
    world = a_world()
    lose(world, None)
    world.die()
    assert world.node_states() == ["idle"]


def test_a_lost_spot_node_may_be_preempted() -> None:
    world = a_world(nodes=0, targetLowPriorityNodes=1)
    node = lose(world, 30.0)
    world.preempt(node)
    assert world.node_states() == ["preempted"]
    world.advance(timedelta(minutes=1))
    assert world.node_states() == ["idle"]


@pytest.mark.parametrize("boots", [True, False])
def test_news_of_nodes_without_an_agent_means_nothing(boots: bool) -> None:
    world = World()
    world.boots = boots
    world.do("create_pool", a_pool(nodes=1))
    world.tell(NodeLost("pool", "nowhere"))
    world.tell(NodeLost("nowhere", world.node_ids()[0]))
    assert world.node_states() == ["idle" if boots else "creating"]
    if not boots:
        lose(world)
        assert world.node_states() == ["creating"]
