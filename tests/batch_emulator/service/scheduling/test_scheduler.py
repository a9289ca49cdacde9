"""Which task goes where (Azure Batch: *Run tasks concurrently*, *BatchTaskSchedulingPolicy*)."""

from __future__ import annotations

from collections import Counter

from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def a_world(nodes: int = 2, **pool: object) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, **pool))
    return world


def per_node(world: World) -> list[int]:
    return sorted(Counter(run.node_id for run in world.running.values()).values())


def test_spread_takes_the_emptiest_node_first() -> None:
    world = a_world(nodes=3, taskSlotsPerNode=4)
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task(str(n)) for n in range(4)])
    assert per_node(world) == [1, 1, 2]


def test_pack_fills_one_node_after_the_other() -> None:
    world = a_world(nodes=3, taskSlotsPerNode=4, taskSchedulingPolicy={"nodeFillType": "pack"})
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task(str(n)) for n in range(5)])
    assert per_node(world) == [1, 4]


def test_tasks_take_the_slots_they_ask_for_and_smaller_ones_pass() -> None:
    world = a_world(nodes=1, taskSlotsPerNode=4)
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a", requiredSlots=3), a_task("b", requiredSlots=2), a_task("c")])
    assert world.running_tasks() == ["a", "c"]
    assert world.service.node_load("pool", world.node_ids()[0]) == (2, 4)
    assert [reason.code for reason in world.service.why_not_running("job", "b")] == ["NoFreeSlots"]
    world.finish("a")
    assert world.running_tasks() == ["b", "c"]


def test_a_task_that_needs_more_slots_than_a_node_has_never_runs() -> None:
    world = a_world(nodes=1, taskSlotsPerNode=2)
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task(requiredSlots=3))
    assert world.states() == {"task": "active"}
    assert [reason.code for reason in world.service.why_not_running("job", "task")] == ["TooManySlots"]


def test_the_greater_priority_goes_first() -> None:
    world = a_world(nodes=1)
    world.do("create_job", a_job("low"))
    world.do("create_job", a_job("high", priority=5))
    world.do("create_task", "low", a_task("first"))
    world.do("create_task", "low", a_task("l"))
    world.do("create_task", "high", a_task("h"))
    world.finish("first")
    assert world.running_tasks() == ["h"]


def test_equal_jobs_share_the_nodes() -> None:
    world = a_world(nodes=0)
    for job in ("a", "b"):
        world.do("create_job", a_job(job))
        world.do("add_tasks", job, [a_task(f"{job}{n}") for n in range(5)])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 4})
    assert Counter(run.job_id for run in world.running.values()) == {"a": 2, "b": 2}


def test_older_jobs_first_if_the_pool_says_so() -> None:
    world = a_world(
        nodes=0, taskSchedulingPolicy={"nodeFillType": "spread", "jobDefaultOrder": "creationtime"}
    )
    for job in ("b", "a"):
        world.do("create_job", a_job(job))
        world.do("add_tasks", job, [a_task(f"{job}{n}") for n in range(3)])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 4})
    assert Counter(run.job_id for run in world.running.values()) == {"b": 3, "a": 1}


def test_a_job_runs_no_more_tasks_at_once_than_it_says() -> None:
    world = a_world(nodes=4)
    world.do("create_job", a_job(maxParallelTasks=2))
    world.do("add_tasks", "job", [a_task(str(n)) for n in range(3)])
    assert world.running_tasks() == ["0", "1"]
    assert [reason.code for reason in world.service.why_not_running("job", "2")] == ["MaxParallelTasks"]
    world.finish("0")
    assert world.running_tasks() == ["1", "2"]
    world.do("create_task", "job", a_task("3"))
    world.do("patch_job", "job", {"maxParallelTasks": -1})
    assert world.running_tasks() == ["1", "2", "3"]


def test_tasks_of_a_job_go_in_the_order_they_came() -> None:
    world = a_world(nodes=1)
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task(name) for name in ("z", "a", "m")])
    order = []
    world.finish_all(lambda run: order.append(run.task_id) or 0)
    assert order == ["z", "a", "m"]


def test_affinity_is_a_wish() -> None:
    world = a_world(nodes=3)
    world.do("create_job", a_job())
    wished = world.node_ids()[2]
    bodies = [a_task(name, affinityInfo={"affinityId": f"TVM:{wished}"}) for name in ("a", "b")]
    world.do("add_tasks", "job", bodies)
    assert world.run_of("a").node_id == wished
    assert world.run_of("b").node_id != wished


def test_jobs_that_have_nothing_to_run_cost_nothing() -> None:
    world = a_world(nodes=1)
    for number in range(20):
        world.do("create_job", a_job(str(number)))
        world.do("create_task", str(number), a_task())
    world.finish_all()
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task("a"))
    world.do("create_task", "job", a_task("b"))
    assert list(world.service.state.waiting_jobs["pool"]) == ["job"]


def test_a_gone_node_is_no_hindrance_to_affinity() -> None:
    world = a_world(nodes=1)
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task(affinityInfo={"affinityId": "TVM:gone"}))
    assert world.running_tasks() == ["task"]
