"""A region that has fewer machines than pools ask for (Azure Batch: *Azure Batch pool resizing failure*)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service.queries import PoolSize
from batch_emulator.service.region import ALLOCATION_TIMED_OUT, RegionalCapacity
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World

WAITING = ALLOCATION_TIMED_OUT


def a_world(*capacity: RegionalCapacity) -> World:
    world = World()
    world.do("set_capacity", capacity)
    return world


def what_became(world: World, pool_id: str = "pool") -> tuple[str, PoolSize, list[str]]:
    pool = world.service.pool(pool_id)
    codes = [error["code"] for error in pool.resize_errors]
    return pool.allocation_state, world.service.pool_size(pool_id), codes


def test_a_resize_keeps_the_nodes_that_the_region_had_and_tells_why_there_are_no_more() -> None:
    world = a_world(RegionalCapacity(dedicated=2, low_priority=0))
    world.do("create_pool", a_pool(nodes=3, targetLowPriorityNodes=1))
    pool = world.service.pool("pool")
    assert what_became(world) == ("steady", PoolSize(2, 0), ["AllocationFailed", "AllocationFailed"])
    assert (pool.target_dedicated, pool.target_low_priority) == (3, 1)
    assert pool.resize_errors[0] == {
        "code": "AllocationFailed",
        "message": "Desired number of dedicated nodes could not be allocated",
        "values": [
            {
                "name": "Reason",
                "value": "Deployment allocation failed due to insufficient capacity for the requested VM "
                "size in the region.",
            }
        ],
    }
    world.do("set_capacity", [])
    assert what_became(world)[1] == PoolSize(2, 0)
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 3})
    assert what_became(world) == ("steady", PoolSize(3, 1), [])


def test_capacity_is_of_the_sizes_that_are_named_and_shared_by_all_pools_of_them() -> None:
    world = a_world(RegionalCapacity(("standard_d?s_v3", "standard_f*"), dedicated=3))
    world.do("create_pool", a_pool("first", nodes=2))
    world.do("create_pool", a_pool("second", nodes=2, vmSize="Standard_F2s_v2"))
    world.do("create_pool", a_pool("other", nodes=2, vmSize="standard_e2s_v3"))
    assert what_became(world, "second") == ("steady", PoolSize(1, 0), ["AllocationFailed"])
    assert what_became(world, "other") == ("steady", PoolSize(2, 0), [])


def test_a_resize_that_goes_on_asking_is_resizing_until_it_times_out() -> None:
    world = a_world(RegionalCapacity(dedicated=1, code=WAITING))
    world.do("create_pool", a_pool(nodes=2, resizeTimeout="PT30M"))
    world.advance(timedelta(minutes=29))
    assert what_became(world) == ("resizing", PoolSize(1, 0), [])
    world.advance(timedelta(minutes=2))
    assert what_became(world) == ("steady", PoolSize(1, 0), [WAITING])
    (error,) = world.service.pool("pool").resize_errors
    assert (
        error["message"]
        == "Desired number of dedicated nodes could not be allocated as the resize timeout was reached"
    )
    # Only another resize asks again.
    world.do("set_capacity", [])
    world.advance(timedelta(hours=1))
    assert what_became(world)[1] == PoolSize(1, 0)


def test_a_resize_that_goes_on_asking_gets_what_comes_free() -> None:
    world = a_world(RegionalCapacity(dedicated=2, code=WAITING))
    world.do("create_pool", a_pool("first", nodes=1))
    world.do("create_pool", a_pool(nodes=2))
    assert what_became(world) == ("resizing", PoolSize(1, 0), [])
    world.do("resize_pool", "first", {"targetDedicatedNodes": 0})
    assert what_became(world) == ("steady", PoolSize(2, 0), [])


def test_capacity_comes_back_at_its_time() -> None:
    world = World()
    back = world.now + timedelta(minutes=10)
    world.do("set_capacity", [RegionalCapacity(dedicated=0, code=WAITING, until=back)])
    world.do("create_pool", a_pool(nodes=2))
    world.advance(timedelta(minutes=9))
    assert what_became(world) == ("resizing", PoolSize(0, 0), [])
    world.advance(timedelta(minutes=2))
    assert what_became(world) == ("steady", PoolSize(2, 0), [])


def test_of_two_kinds_one_may_fail_while_the_other_is_asked_for() -> None:
    world = a_world(RegionalCapacity(dedicated=1), RegionalCapacity(low_priority=1, code=WAITING))
    world.do("create_pool", a_pool(nodes=2, targetLowPriorityNodes=2))
    assert what_became(world) == ("resizing", PoolSize(1, 1), ["AllocationFailed"])
    world.do("set_capacity", [])
    assert what_became(world) == ("steady", PoolSize(1, 2), ["AllocationFailed"])


def test_a_resize_that_goes_on_asking_can_be_stopped_and_its_pool_deleted() -> None:
    world = a_world(RegionalCapacity(dedicated=1, code=WAITING))
    world.do("create_pool", a_pool(nodes=2))
    world.do("stop_pool_resize", "pool")
    assert what_became(world) == ("steady", PoolSize(1, 0), ["ResizeStopped"])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 3})
    world.do("delete_pool", "pool")
    assert list(world.service.pools()) == []


def test_nodes_that_are_there_already_stay() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    world.do("set_capacity", [RegionalCapacity(dedicated=0)])
    assert world.node_states() == ["idle", "idle"]
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1})
    assert what_became(world) == ("steady", PoolSize(1, 0), [])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert what_became(world) == ("steady", PoolSize(1, 0), ["AllocationFailed"])


def test_removing_nodes_asks_for_no_others() -> None:
    world = a_world(RegionalCapacity(dedicated=2))
    world.do("create_pool", a_pool(nodes=3))
    world.do("set_capacity", [RegionalCapacity(dedicated=0, code=WAITING)])
    world.do("remove_nodes", "pool", {"nodeList": world.node_ids()[:1]})
    assert what_became(world) == ("steady", PoolSize(1, 0), [])


@pytest.mark.parametrize("code", ["AllocationFailed", WAITING])
def test_a_formula_asks_again_at_its_next_evaluation(code: str) -> None:
    world = a_world(RegionalCapacity(dedicated=1, code=code))
    scale: dict[str, Any] = {
        "enableAutoScale": True,
        "autoScaleFormula": "$TargetDedicatedNodes = 2;",
        "autoScaleEvaluationInterval": "PT20M",
    }
    world.do("create_pool", a_pool(**scale))
    world.advance(timedelta(minutes=16))
    assert what_became(world) == ("steady", PoolSize(1, 0), [code])
    world.do("set_capacity", [])
    assert what_became(world)[1] == PoolSize(1, 0)
    world.advance(timedelta(minutes=5))
    assert what_became(world) == ("steady", PoolSize(2, 0), [])


def test_a_preempted_node_comes_back_when_the_region_has_a_machine_for_it() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.do("set_capacity", [RegionalCapacity(low_priority=0)])
    world.preempt(world.node_ids()[0])
    world.advance(timedelta(hours=1))
    assert world.node_states() == ["preempted"]
    world.do("set_capacity", [])
    world.advance(timedelta(minutes=1))
    assert world.node_states() == ["idle"]


def test_the_wait_outlives_a_restart() -> None:
    world = a_world(RegionalCapacity(dedicated=1, code=WAITING))
    world.do("create_pool", a_pool(nodes=2))
    world.service, world.wake_at = world.restored(), None
    world.do("set_capacity", [RegionalCapacity(dedicated=1, code=WAITING)])
    world.service.recover(world.now)
    world.settle()
    assert what_became(world)[:2] == ("resizing", PoolSize(1, 0))
    world.advance(timedelta(minutes=16))
    assert what_became(world) == ("steady", PoolSize(1, 0), [WAITING])


def test_a_task_that_waits_for_capacity_is_told_so() -> None:
    world = a_world(RegionalCapacity(dedicated=0, code=WAITING))
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    reasons = [reason.code for reason in world.service.why_not_running("job", "task")]
    assert reasons == ["PoolEmpty", "AwaitsCapacity"]
    world.advance(timedelta(minutes=16))
    reasons = [reason.code for reason in world.service.why_not_running("job", "task")]
    assert reasons == ["PoolEmpty", "ResizeError"]
