"""Pools whose size a formula decides (Azure Batch: *Automatically scale compute nodes in a Batch pool*)."""

from __future__ import annotations

from datetime import timedelta

from batch_emulator.service.queries import PoolSize
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World

PENDING = """
samples = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
tasks = samples < 70 ? 1 : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
$TargetDedicatedNodes = min(4, tasks);
$NodeDeallocationOption = taskcompletion;
"""


def a_world(formula: str = "$TargetDedicatedNodes = 2;", interval: str = "PT5M") -> World:
    world = World()
    scale = {"enableAutoScale": True, "autoScaleFormula": formula, "autoScaleEvaluationInterval": interval}
    world.do("create_pool", a_pool(**scale))
    return world


def test_the_formula_gives_the_first_size_at_once() -> None:
    world = World()
    world.boots = False
    scale = {"enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes=2;"}
    world.do("create_pool", a_pool(**scale))
    pool = world.service.pool("pool")
    assert (pool.allocation_state, pool.target_dedicated) == ("resizing", 2)
    assert pool.spec["autoScaleEvaluationInterval"] == "PT15M"
    assert pool.auto_scale_run == {
        "timestamp": "2026-03-02T08:00:00Z",
        "results": "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue",
    }


def test_a_pool_follows_its_pending_tasks() -> None:
    world = a_world(PENDING)
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task(str(number)) for number in range(8)])
    assert world.service.pool_size("pool") == PoolSize(1, 0)
    world.advance(timedelta(minutes=6))
    assert world.service.pool_size("pool") == PoolSize(4, 0)
    assert len(world.running_tasks()) == 4
    world.finish_all()
    world.advance(timedelta(minutes=6))
    assert world.service.pool_size("pool") == PoolSize(0, 0)


def test_tasks_that_wait_for_others_are_not_counted() -> None:
    world = a_world(PENDING)
    world.do("create_job", a_job(usesTaskDependencies=True))
    world.do("create_task", "job", a_task(dependsOn={"taskIds": ["nobody"]}))
    world.advance(timedelta(minutes=6))
    assert world.service.pool_size("pool") == PoolSize(0, 0)


def test_an_evaluation_that_fails_leaves_the_pool_alone() -> None:
    world = a_world("$TargetDedicatedNodes = 3;")
    world.advance(timedelta(minutes=1))
    formula = "$TargetDedicatedNodes = avg($CPUPercent.GetSample(TimeInterval_Hour, 90));"
    world.do("enable_auto_scale", "pool", {"autoScaleFormula": formula})
    pool = world.service.pool("pool")
    assert pool.auto_scale_run is not None
    assert pool.auto_scale_run["error"]["code"] == "InsufficientSampleData"
    assert world.service.pool_size("pool") == PoolSize(3, 0)


def test_evaluate_applies_nothing() -> None:
    world = a_world()
    run = world.do("evaluate_auto_scale", "pool", "$TargetDedicatedNodes=3")
    assert (
        run["results"] == "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    )
    assert world.service.pool("pool").target_dedicated == 2
    assert refusal(world, "evaluate_auto_scale", "pool", "$x = (")[0] == "AutoScalingFormulaSyntaxError"
    world.do("create_pool", a_pool("fixed"))
    assert refusal(world, "evaluate_auto_scale", "fixed", "$x = 1;") == ("OperationNotValidOnPool", 409)


def test_enable_change_and_disable() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    assert refusal(world, "enable_auto_scale", "pool", {})[0] == "MissingRequiredProperty"
    world.do("enable_auto_scale", "pool", {"autoScaleFormula": "$TargetDedicatedNodes=2;"})
    assert world.service.pool_size("pool") == PoolSize(2, 0)
    change = {"autoScaleEvaluationInterval": "PT06M00S"}
    assert refusal(world, "enable_auto_scale", "pool", change) == ("TooManyEnableAutoScaleRequests", 503)
    world.advance(timedelta(seconds=31))
    world.do("enable_auto_scale", "pool", change)
    pool = world.service.pool("pool")
    assert pool.spec["autoScaleEvaluationInterval"] == "PT6M"
    assert pool.spec["autoScaleFormula"] == "$TargetDedicatedNodes=2;"
    resize = {"targetDedicatedNodes": 1}
    assert refusal(world, "resize_pool", "pool", resize) == ("OperationNotValidOnPool", 409)
    world.do("disable_auto_scale", "pool")
    assert not pool.spec["enableAutoScale"]
    assert "autoScaleFormula" not in pool.spec
    assert world.service.pool_size("pool") == PoolSize(2, 0)
    world.do("resize_pool", "pool", resize)
    world.advance(timedelta(hours=1))
    assert world.service.pool_size("pool") == PoolSize(1, 0)


def test_enabling_needs_a_steady_pool() -> None:
    world = World()
    world.boots = False
    world.do("create_pool", a_pool(nodes=1))
    body = {"autoScaleFormula": "$TargetDedicatedNodes=2;"}
    assert refusal(world, "enable_auto_scale", "pool", body) == ("PoolBeingResized", 409)


def test_autoscale_goes_on_after_a_restart() -> None:
    world = a_world(PENDING)
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task(str(number)) for number in range(8)])
    world.die()
    world.advance(timedelta(minutes=11))
    assert world.service.pool_size("pool") == PoolSize(4, 0)


def test_a_formula_that_is_due_during_a_resize_is_applied_after_it() -> None:
    world = World()
    world.boots = False
    formula = "$TargetDedicatedNodes = $TargetDedicatedNodes + 1;"
    scale = {"enableAutoScale": True, "autoScaleFormula": formula, "autoScaleEvaluationInterval": "PT5M"}
    world.do("create_pool", a_pool(**scale))
    world.advance(timedelta(minutes=6))
    assert world.service.pool("pool").target_dedicated == 1
    world.boots = True
    world.answer_pending()
    assert world.service.pool("pool").target_dedicated == 2
    assert world.service.pool_size("pool") == PoolSize(2, 0)


def test_spot_nodes_by_formula() -> None:
    world = a_world("$TargetLowPriorityNodes = 2; $TargetDedicatedNodes = 1;")
    assert world.service.pool_size("pool") == PoolSize(1, 2)
