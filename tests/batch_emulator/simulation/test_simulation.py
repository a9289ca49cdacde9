"""The rules on a virtual clock: right in time, right in number, the same every time."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from batch_emulator.service.account import Quotas
from batch_emulator.service.effects import StartRun
from batch_emulator.service.errors import BatchError
from batch_emulator.service.invariants import check
from batch_emulator.simulation import (
    Behaviour,
    Constant,
    LogNormal,
    Simulation,
    SimulationResult,
    Uniform,
    Work,
)
from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.test_cost import calls_of


def simulate(
    tasks: int, nodes: int, behaviour: Behaviour | None = None, *, seed: int = 1, **more: Any
) -> SimulationResult:
    simulation = Simulation(behaviour, seed=seed, faults=more.pop("faults", None))
    simulation.create_pool(a_pool(nodes=nodes, **more))
    simulation.create_job(a_job())
    simulation.add_tasks("job", (a_task(f"t{number}") for number in range(tasks)))
    return simulation.run_until_done()


def test_ten_tasks_on_two_nodes_take_five_turns_after_the_boot() -> None:
    result = simulate(10, 2, Behaviour(boot=Constant(90), run=Constant(60)))
    assert result.finished
    assert result.makespan == timedelta(seconds=90 + 5 * 60)
    assert result.dedicated_node_hours == pytest.approx(2 * 390 / 3600)
    assert (result.tasks["succeeded"], result.runs) == (10, 10)
    assert [(moment.nodes, moment.running, moment.completed) for moment in result.timeline] == [
        (2, 0, 0), (2, 0, 0), (2, 2, 0), (2, 2, 2), (2, 2, 4), (2, 2, 6), (2, 2, 8),
    ]  # fmt: skip


def test_slots_count() -> None:
    result = simulate(8, 1, Behaviour(run=Constant(60)), taskSlotsPerNode=4)
    assert result.makespan == timedelta(seconds=120)


def test_tasks_wait_for_those_they_depend_on() -> None:
    simulation = Simulation(Behaviour(run=Constant(10)))
    simulation.create_pool(a_pool(nodes=5))
    simulation.create_job(a_job(usesTaskDependencies=True))
    simulation.add_tasks(
        "job", [a_task("a"), a_task("b", dependsOn=after("a")), a_task("c", dependsOn=after("b"))]
    )
    assert simulation.run_until_done().makespan == timedelta(seconds=30)


def test_the_same_seed_gives_the_same_result_and_another_one_another() -> None:
    behaviour = Behaviour(boot=Uniform(10, 90), run=LogNormal(60, 0.5), failure_rate=0.1)
    faults = {"nodes": [{"fault": "preemption", "perNodeHour": 5}, {"fault": "failedBoot", "rate": 0.1}]}
    spot = {"targetLowPriorityNodes": 20, "faults": faults}
    first, again = (simulate(500, 0, behaviour, **spot) for _ in range(2))
    assert first == again
    assert first.faults["preemption"] > 0
    assert simulate(500, 0, behaviour, seed=2, **spot) != first


def test_a_region_with_fewer_machines_makes_a_job_longer() -> None:
    faults = {"capacity": [{"dedicatedNodes": 1, "code": "AllocationTimedout", "awaySeconds": 300}]}
    result = simulate(13, 2, Behaviour(run=Constant(60)), faults=faults)
    # One node for five minutes, two from then on.
    assert (result.finished, result.makespan) == (True, timedelta(seconds=(5 + 4) * 60))


def test_preempted_work_is_done_again() -> None:
    faults = {"nodes": [{"fault": "preemption", "perNodeHour": 20, "awaySeconds": 120}]}
    result = simulate(200, 0, Behaviour(run=Constant(60)), targetLowPriorityNodes=10, faults=faults)
    assert (result.finished, result.tasks["succeeded"]) == (True, 200)
    assert result.runs > 200
    assert result.dedicated_node_hours == 0
    # While it is away a node is not held.
    assert result.spot_node_hours < 10 * result.makespan.total_seconds() / 3600


def test_retries_and_failures_are_the_rules() -> None:
    def work(run: StartRun, chance: Random) -> Work:
        return Work(1, 0 if run.task_id == "good" or run.run_id.endswith(".3") else 1)

    simulation = Simulation(Behaviour(work=work))
    simulation.create_pool(a_pool(nodes=1))
    simulation.create_job(a_job())
    retried = {"constraints": {"maxTaskRetryCount": 2}}
    simulation.add_tasks("job", [a_task("good"), a_task("third", **retried), a_task("bad")])
    result = simulation.run_until_done()
    assert (result.tasks["succeeded"], result.tasks["failed"], result.runs) == (2, 1, 5)


def test_a_pool_that_scales_by_formula_grows_and_shrinks() -> None:
    simulation = Simulation(Behaviour(boot=Constant(60), run=Constant(300)))
    targets = "$TargetDedicatedNodes = min(20, $PendingTasks.GetSample(1));"
    formula = f"{targets} $NodeDeallocationOption = taskcompletion;"
    scale = {"enableAutoScale": True, "autoScaleFormula": formula, "autoScaleEvaluationInterval": "PT5M"}
    simulation.create_pool(a_pool(**scale))
    simulation.create_job(a_job())
    simulation.add_tasks("job", (a_task(f"t{number}") for number in range(60)))
    result = simulation.run_until_done()
    assert result.finished
    assert max(moment.nodes for moment in result.timeline) == 20
    simulation.run_for(timedelta(minutes=30))
    assert simulation.result().timeline[-1].nodes == 0
    check(simulation.service.state)


def test_what_never_ends_ends_at_the_limit() -> None:
    simulation = Simulation()
    simulation.create_job(a_job(pool_id="nowhere"))
    simulation.add_tasks("job", [a_task()])
    began = simulation.now
    result = simulation.run_until_done(timedelta(days=2))
    assert not result.finished
    assert result.tasks["active"] == 1
    assert simulation.now - began == timedelta(days=2)


def test_a_wall_clock_ends_a_run() -> None:
    simulation = Simulation(Behaviour(run=Constant(3600)))
    simulation.create_pool(a_pool(nodes=1))
    simulation.create_job(a_job())
    simulation.add_tasks("job", [a_task(constraints={"maxWallClockTime": "PT10M"})])
    result = simulation.run_until_done()
    assert (result.makespan, result.tasks["failed"]) == (timedelta(minutes=10), 1)


def test_commands_are_refused_as_by_the_server() -> None:
    simulation = Simulation(quotas=Quotas(pools=1))
    simulation.create_pool(a_pool())
    with pytest.raises(BatchError, match="PoolQuotaReached"):
        simulation.create_pool(a_pool("other"))
    simulation.create_job(a_job())
    with pytest.raises(BatchError, match="TaskExists"):
        simulation.add_tasks("job", [a_task("t"), a_task("t")])
    simulation.execute(lambda service, now: service.terminate_job("job", now))
    assert simulation.service.job("job").state == "completed"
    assert simulation.run_until_done().finished


def test_time_passes_in_spans() -> None:
    simulation = Simulation(Behaviour(run=Constant(60)), timeline_every=None)
    simulation.create_pool(a_pool(nodes=1))
    simulation.create_job(a_job())
    simulation.add_tasks("job", [a_task()])
    simulation.run_for(timedelta(seconds=59))
    assert simulation.result().tasks["running"] == 1
    simulation.run_for(timedelta(seconds=1))
    assert simulation.result().tasks["succeeded"] == 1
    assert simulation.result().timeline == ()


def test_preparation_start_and_multi_instance_tasks_run_too() -> None:
    simulation = Simulation(Behaviour(run=Constant(60), special=Constant(5)))
    start = {"startTask": {"commandLine": "x", "waitForSuccess": True}}
    simulation.create_pool(a_pool(nodes=3, enableInterNodeCommunication=True, **start))
    special = {name: {"commandLine": "x"} for name in ("jobPreparationTask", "jobReleaseTask")}
    simulation.create_job(a_job(**special))
    instances = {"numberOfInstances": 3, "coordinationCommandLine": "x"}
    simulation.add_tasks("job", [a_task("mpi", multiInstanceSettings=instances)])
    result = simulation.run_until_done()
    assert result.makespan == timedelta(seconds=5 + 5 + 5 + 60)
    check(simulation.service.state)


def test_a_task_costs_the_same_in_a_large_run() -> None:
    """Counted in calls; what it is in seconds on a machine, `make bench` tells."""
    results = []

    def run(tasks: int, nodes: int) -> None:
        results.append(simulate(tasks, nodes, Behaviour(boot=Uniform(30, 120), run=LogNormal(60, 0.5))))

    small = calls_of(lambda: run(250, 25)) / 250
    large = calls_of(lambda: run(2_000, 200)) / 2_000
    assert [(result.finished, result.tasks["succeeded"]) for result in results] == [
        (True, 250),
        (True, 2_000),
    ]
    assert large < 1.15 * small
