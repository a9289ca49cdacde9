"""From targets to nodes (Azure Batch: *Pool - Resize*, *Nodes and pools in Azure Batch*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import Account, Quotas
from batch_emulator.service.effects import ReleaseNode
from batch_emulator.service.queries import PoolSize
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World


def error_codes(world: World) -> list[str]:
    return [error["code"] for error in world.service.pool("pool").resize_errors]


def test_a_pool_is_resizing_until_its_nodes_exist() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=2, targetLowPriorityNodes=1))
    assert world.service.pool("pool").allocation_state == "resizing"
    assert world.node_states() == ["creating"] * 3
    assert world.service.pool_size("pool") == PoolSize(0, 0)
    assert refusal(world, "resize_pool", "pool", {"targetDedicatedNodes": 1}) == ("PoolBeingResized", 409)
    assert refusal(world, "remove_nodes", "pool", {"nodeList": world.node_ids()}) == ("PoolBeingResized", 409)
    world.answer_pending()
    assert world.service.pool("pool").allocation_state == "steady"
    assert world.service.pool_size("pool") == PoolSize(2, 1)
    assert sorted(node[-2:] for node in world.node_ids()) == ["_d", "_d", "_p"]


def test_a_target_left_out_stays() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    etag = world.service.pool("pool").etag
    world.do("resize_pool", "pool", {"targetLowPriorityNodes": 1})
    assert world.service.pool_size("pool") == PoolSize(2, 1)
    assert world.service.pool("pool").etag != etag
    assert refusal(world, "resize_pool", "pool", {}) == ("InvalidPropertyValue", 400)


def test_core_quota_is_a_resize_error_and_not_a_refusal() -> None:
    world = World(Account("acct", quotas=Quotas(dedicated_cores=5, low_priority_cores=1)))
    world.do("create_pool", a_pool(nodes=3, targetLowPriorityNodes=1))
    pool = world.service.pool("pool")
    assert pool.allocation_state == "steady"
    assert (pool.target_dedicated, world.service.pool_size("pool")) == (3, PoolSize(2, 0))
    assert error_codes(world) == ["AccountCoreQuotaReached", "AccountLowPriorityCoreQuotaReached"]
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2, "targetLowPriorityNodes": 0})
    assert error_codes(world) == []


def test_quota_is_shared_by_all_pools() -> None:
    world = World(Account("acct", quotas=Quotas(dedicated_cores=4)))
    world.do("create_pool", a_pool("first", nodes=1))
    world.do("create_pool", a_pool(nodes=2))
    assert world.service.pool_size("pool") == PoolSize(1, 0)
    world.do("delete_pool", "first")
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert world.service.pool_size("pool") == PoolSize(2, 0)


def test_stopping_a_resize_keeps_nodes_and_targets_as_they_are() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.boots = world.releases = False
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 3})
    etag = world.service.pool("pool").etag
    world.do("stop_pool_resize", "pool")
    pool = world.service.pool("pool")
    assert (pool.allocation_state, pool.etag) == ("stopping", etag)
    assert refusal(world, "stop_pool_resize", "pool") == ("OperationInvalidForCurrentState", 409)
    world.answer_pending()
    assert (pool.allocation_state, pool.target_dedicated) == ("steady", 3)
    assert world.service.pool_size("pool") == PoolSize(1, 0)
    assert error_codes(world) == ["ResizeStopped"]
    assert refusal(world, "stop_pool_resize", "pool") == ("OperationInvalidForCurrentState", 409)


def test_nodes_that_do_not_come_in_time_are_given_up() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=2, resizeTimeout="PT5M"))
    world.advance(timedelta(minutes=6))
    pool = world.service.pool("pool")
    assert (pool.allocation_state, pool.target_dedicated) == ("steady", 2)
    assert error_codes(world) == ["AllocationTimedout"]
    assert world.node_ids() == []


def test_idle_nodes_go_first() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=3))
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert world.running_tasks() == ["a", "b"]
    assert world.node_states() == ["running", "running"]


@pytest.mark.parametrize(
    ("option", "state", "result", "requeues"),
    [("requeue", "active", None, 1), ("terminate", "completed", "failure", 0)],
)
def test_shrinking_ends_the_tasks_at_once(option: str, state: str, result: str | None, requeues: int) -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.kills = world.releases = False
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": option})
    assert world.node_states() == ["leavingpool"]
    assert not world.sent(ReleaseNode)
    world.answer_pending()
    world.answer_pending()
    task = world.task()
    assert (task.state, task.result, task.requeue_count) == (state, result, requeues)
    assert world.node_ids() == []
    assert world.service.pool("pool").allocation_state == "steady"


def test_taskcompletion_waits_and_takes_nothing_new() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, taskSlotsPerNode=2))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task("a"))
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"})
    world.do("create_task", "job", a_task("b"))
    world.advance(timedelta(hours=1))
    assert world.running_tasks() == ["a"]
    assert world.service.pool("pool").allocation_state == "resizing"
    world.finish("a")
    assert world.service.pool("pool").allocation_state == "steady"
    assert (world.task("a").result, world.node_ids()) == ("success", [])


def test_a_waiting_node_goes_back_to_work_when_the_resize_is_stopped() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, taskSlotsPerNode=2))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task("a"))
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"})
    world.do("stop_pool_resize", "pool")
    world.do("create_task", "job", a_task("b"))
    assert world.running_tasks() == ["a", "b"]
    assert world.service.pool("pool").allocation_state == "steady"


def test_retaineddata_waits_for_the_retention_time() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task(constraints={"retentionTime": "PT1H"}))
    world.finish("task")
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0, "nodeDeallocationOption": "retaineddata"})
    world.advance(timedelta(minutes=59))
    assert world.service.pool("pool").allocation_state == "resizing"
    world.advance(timedelta(minutes=2))
    assert world.service.pool("pool").allocation_state == "steady"


def test_a_node_that_waits_to_reboot_leaves_at_once_when_it_must() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.do("reboot_node", "pool", world.node_ids()[0], option="retaineddata")
    world.do("delete_pool", "pool")
    assert list(world.service.pools()) == []


def test_given_nodes_can_be_removed() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2, targetLowPriorityNodes=1))
    gone = [node for node in world.node_ids() if node.endswith("_p")] + world.node_ids()[:1]
    world.do("remove_nodes", "pool", {"nodeList": gone})
    pool = world.service.pool("pool")
    assert (pool.target_dedicated, pool.target_low_priority, pool.allocation_state) == (1, 0, "steady")
    assert len(world.node_ids()) == 1
    assert refusal(world, "remove_nodes", "pool", {"nodeList": gone}) == ("NodeNotFound", 404)
    too_many = {"nodeList": [str(number) for number in range(101)]}
    assert refusal(world, "remove_nodes", "pool", too_many) == ("InvalidPropertyValue", 400)


def test_node_ids_are_the_same_every_time_and_never_given_twice() -> None:
    ids = []
    for _ in range(2):
        world = World(seed=3)
        world.do("create_pool", a_pool(nodes=2))
        first = world.node_ids()
        world.do("resize_pool", "pool", {"targetDedicatedNodes": 0})
        world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
        assert not set(first) & set(world.node_ids())
        ids.append((first, world.node_ids()))
    assert ids[0] == ids[1]


RETAINED = {"targetDedicatedNodes": 0, "nodeDeallocationOption": "retaineddata"}


def test_a_node_that_stays_after_all_is_what_it_was_before() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.do("patch_pool", "pool", {"startTask": {"commandLine": "prepare"}})
    world.do("reboot_node", "pool", world.node_ids()[0])
    world.finish(None, 1, "start")
    world.do("resize_pool", "pool", RETAINED)
    assert world.node_states() == ["leavingpool"]
    world.do("stop_pool_resize", "pool")
    assert world.node_states() == ["starttaskfailed"]


def test_a_node_that_was_coming_up_comes_up_once_more() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, startTask={"commandLine": "prepare"}))
    world.finish(None, 0, "start")
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.finish("task")
    world.do("reboot_node", "pool", world.node_ids()[0])
    world.do("resize_pool", "pool", RETAINED)
    world.do("stop_pool_resize", "pool")
    assert world.node_states() == ["waitingforstarttask"]
    world.finish(None, 0, "start")
    assert world.node_states() == ["idle"]
