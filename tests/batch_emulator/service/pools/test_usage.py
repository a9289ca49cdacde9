"""Core hours of pools (Azure Batch: *Pool - List Usage Metrics*)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.pools.usage import PoolUsage
from tests.batch_emulator.service.builders import a_pool
from tests.batch_emulator.service.world import START, World

HALF = timedelta(minutes=30)
HOURS = timedelta(hours=1)


def told(world: World, start: datetime | None = None, end: datetime | None = None) -> list[PoolUsage]:
    return list(world.service.usage_metrics(start, end, world.now))


def hours(world: World, start: datetime, end: datetime) -> list[tuple[str, float]]:
    return [(found.pool_id, round(found.core_hours, 6)) for found in told(world, start, end)]


def refusal(world: World, start: datetime | None, end: datetime | None) -> tuple[str, int]:
    with pytest.raises(BatchError) as caught:
        told(world, start, end)
    return caught.value.code, caught.value.status


def test_core_hours_follow_the_pool_s_real_size() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2))  # of two cores each
    world.advance(timedelta(minutes=45))
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 1})
    world.advance(timedelta(minutes=45))
    world.do("delete_pool", "pool")
    world.advance(4 * HOURS)
    found = told(world, START, START + 2 * HOURS)
    assert [(item.start, item.end, item.vm_size) for item in found] == [
        (START + number * HALF, START + (number + 1) * HALF, "STANDARD_D2S_V3") for number in range(3)
    ]
    assert [item.core_hours for item in found] == [2.0, 1.5, 1.0]


def test_without_times_it_is_the_last_interval_that_is_available() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.advance(3 * HOURS + timedelta(minutes=10))
    (only,) = told(world)
    assert (only.start, only.end, only.core_hours) == (START + HALF, START + 2 * HALF, 1.0)


def test_a_pool_without_nodes_is_told_and_pools_come_in_order() -> None:
    world = World()
    for name in ("b", "a-1", "a"):
        world.do("create_pool", a_pool(name))
    world.advance(4 * HOURS)
    assert hours(world, START, START + HALF) == [("a-1", 0.0), ("a", 0.0), ("b", 0.0)]
    keys = [found.key for found in told(world, START, START + 2 * HOURS)]
    assert keys == sorted(keys)
    assert len(keys) == 12


def test_a_machine_that_is_not_there_costs_nothing() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("deallocate_node", "pool", world.node_ids()[0])
    world.advance(HALF)
    world.do("start_node", "pool", world.node_ids()[0])
    world.advance(HALF)
    world.do("reboot_node", "pool", world.node_ids()[0])
    world.advance(5 * HOURS)
    assert hours(world, START, START + 3 * HALF) == [("pool", 0.0), ("pool", 1.0), ("pool", 1.0)]


def test_preempted_nodes_cost_nothing_until_they_are_back() -> None:
    world = World()
    world.do("create_pool", a_pool(targetLowPriorityNodes=1))
    world.advance(timedelta(minutes=14))
    world.preempt(world.node_ids()[0])
    world.advance(4 * HOURS)  # capacity is back after a minute
    assert hours(world, START, START + HALF) == [("pool", round(29 / 60 * 2, 6))]


def test_pools_of_one_name_are_told_together() -> None:
    world = World()
    for _ in range(2):
        world.do("create_pool", a_pool(nodes=1))
        world.advance(timedelta(minutes=10))
        world.do("delete_pool", "pool")
    world.advance(4 * HOURS)
    assert hours(world, START, START + HALF) == [("pool", round(20 / 60 * 2, 6))]


def test_statistics_are_those_of_the_pool_that_is_there() -> None:
    world = World()
    for _ in range(2):
        world.do("create_pool", a_pool(nodes=1, targetLowPriorityNodes=1))
        world.advance(HOURS)
        if world.now < START + 2 * HOURS:
            world.do("delete_pool", "pool")
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0})
    world.do("create_pool", a_pool("other"))
    times = world.service.dedicated_core_times(world.now)
    assert times == {"pool": 2 * HOURS, "other": timedelta(0)}


def test_usage_survives_a_restart_and_is_dropped_in_the_end() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.advance(HOURS)
    world.do("delete_pool", "pool")
    world.advance(3 * HOURS)
    before = told(world, START, START + HOURS)
    world.die()
    assert told(world, START, START + HOURS) == before
    assert before
    world.advance(timedelta(days=91))
    world.do("create_pool", a_pool(nodes=1))
    world.advance(HOURS)
    world.do("delete_pool", "pool")
    assert told(world, START, START + HOURS) == []
    assert len([key for key in world.journal if key[0] == "usage"]) == 2


def test_times_must_be_long_enough_ago_and_in_order() -> None:
    world = World()
    world.do("create_pool", a_pool())
    world.advance(10 * HOURS)
    now = world.now
    out_of_range = ("OutOfRangeQueryParameterValue", 400)
    assert refusal(world, now - timedelta(hours=2, minutes=29), None) == out_of_range
    assert refusal(world, None, now - timedelta(minutes=119)) == out_of_range
    assert refusal(world, now - 4 * HOURS, now - 5 * HOURS) == out_of_range
    assert refusal(world, None, now - 9 * HOURS) == out_of_range
    assert len(told(world, now - timedelta(hours=2, minutes=30), now - 2 * HOURS)) == 1


def test_an_account_without_pools_has_no_usage() -> None:
    world = World()
    assert told(world, START - 1000 * timedelta(days=1), START - timedelta(days=1)) == []
