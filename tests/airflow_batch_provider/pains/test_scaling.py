"""What users told of formulas: pools with the named ones on a real emulator, whose nodes are simulated.

Nothing passes there but what the clock is told to let pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_batch_provider.client.pools.overdue import set_anew_if_overdue
from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.spec import (
    AutoScale,
    pending_tasks,
    spot_with_dedicated_fallback,
    working_hours,
    zero_when_idle,
)
from batch_emulator.testing import LocalBatch
from tests.airflow_batch_provider.operators.running import a_pool, ensure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

_EVALUATION = timedelta(minutes=6)
"""An evaluation comes at least so soon."""


@pytest.fixture(scope="module")
def served() -> Iterator[LocalBatch]:
    with LocalBatch(simulate={}) as batch:
        yield batch


@pytest.fixture
def simulated(served: LocalBatch, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBatch]:
    connection = {
        "conn_type": "azurebatch",
        "host": served.endpoint,
        "login": served.account,
        "password": served.key,
    }
    monkeypatch.setenv("AIRFLOW_CONN_SIMULATED", json.dumps(connection))
    yield served
    served.reset()


def scaled(scale: AutoScale, **fields: Any) -> str:
    """Make sure of a pool as a DAG does."""
    return ensure("simulated", a_pool("scaled", scale=scale, **fields), wait_for=None)


def submit(batch: LocalBatch, pool_id: str, *minutes: float) -> None:
    """A job of tasks that take so long each."""
    batch.client.create_job({"id": "job", "poolInfo": {"poolId": pool_id}})  # type: ignore[arg-type]
    tasks: Any = [
        {
            "id": f"t{number:03}",
            "commandLine": "work",
            "environmentSettings": [{"name": "SIMULATED_SECONDS", "value": str(60 * span)}],
        }
        for number, span in enumerate(minutes)
    ]
    batch.client.create_tasks("job", tasks)


def size(batch: LocalBatch, pool_id: str) -> tuple[int | None, int | None]:
    """Dedicated and Spot nodes."""
    pool = batch.client.get_pool(pool_id)
    return pool.current_dedicated_nodes, pool.current_low_priority_nodes


def assert_each_ran_once(batch: LocalBatch, tasks: int) -> None:
    done = list(batch.client.list_tasks("job"))
    infos = [task.execution_info for task in done]
    assert [info.result for info in infos if info] == ["success"] * tasks
    assert all((info.retry_count, info.requeue_count) == (0, 0) for info in infos if info)


def test_pain_004_and_005_nodes_are_as_many_as_their_slots_need(simulated: LocalBatch) -> None:
    pool_id = scaled(pending_tasks(100), task_slots=4)
    submit(simulated, pool_id, *[90] * 40)
    simulated.clock.advance(_EVALUATION)
    assert size(simulated, pool_id) == (0, 10)
    assert simulated.client.get_job_task_counts("job").task_counts.running == 40


def test_pain_022_a_pool_grows_to_the_nodes_that_multi_instance_tasks_need(simulated: LocalBatch) -> None:
    """The service's metrics count such a task by its instances."""
    pool_id = scaled(pending_tasks(8), inter_node_communication=True)
    simulated.client.create_job({"id": "job", "poolInfo": {"poolId": pool_id}})  # type: ignore[arg-type]
    tasks: Any = [
        {
            "id": f"mpi-{number}",
            "commandLine": "work",
            "environmentSettings": [{"name": "SIMULATED_SECONDS", "value": "3600"}],
            "multiInstanceSettings": {"numberOfInstances": 3, "coordinationCommandLine": "work"},
        }
        for number in range(2)
    ]
    simulated.client.create_tasks("job", tasks)
    simulated.clock.advance(_EVALUATION)
    assert size(simulated, pool_id) == (0, 6)
    assert simulated.client.get_job_task_counts("job").task_counts.running == 2
    simulated.clock.run_until_done()
    assert_each_ran_once(simulated, 2)


def test_pain_026_a_formula_that_was_not_evaluated_for_long_is_set_anew_and_evaluated(
    simulated: LocalBatch,
) -> None:
    pool_id = scaled(pending_tasks(3))
    pool = simulated.client.get_pool(pool_id).as_dict()
    simulated.clock.advance(timedelta(minutes=1))
    later = simulated.clock.now().timestamp() + 3_600
    said: list[str] = []
    Driver(simulated.client, lambda say: said.append(say.text)).run(set_anew_if_overdue(pool, lambda: later))
    again = simulated.client.get_pool(pool_id).as_dict()
    assert again["autoScaleFormula"] == pool["autoScaleFormula"]
    assert again["autoScaleRun"]["timestamp"] > pool["autoScaleRun"]["timestamp"]
    (line,) = said
    assert line.endswith(f"was not evaluated since {pool['autoScaleRun']['timestamp']}: it is set anew")


def test_pain_011_and_032_work_goes_on_elsewhere_when_spot_nodes_are_taken_and_there_are_no_others(
    simulated: LocalBatch,
) -> None:
    pool_id = scaled(spot_with_dedicated_fallback(3, max_dedicated=3))
    submit(simulated, pool_id, 60, 60, 60)
    simulated.clock.advance(_EVALUATION)
    assert size(simulated, pool_id) == (0, 3)
    simulated.faults.set({"capacity": [{"lowPriorityNodes": 0}]})
    simulated.faults.preempt(pool_id, count=3, away=0.0)
    simulated.clock.advance(_EVALUATION)
    assert size(simulated, pool_id) == (3, 0)
    nodes = list(simulated.client.list_nodes(pool_id))
    assert [(node.is_dedicated, node.state) for node in nodes] == [(True, "running")] * 3
    simulated.clock.run_until_done()
    assert_each_ran_once(simulated, 3)


@pytest.mark.parametrize(("spot", "nodes"), [(True, (0, 2)), (False, (2, 0))])
def test_pain_012_and_023_spot_is_one_flag_and_the_first_nodes_are_there_at_once(
    simulated: LocalBatch, spot: bool, nodes: tuple[int, int]
) -> None:
    scale = pending_tasks(5, spot=spot, start_nodes=2)
    pool_id = ensure("simulated", a_pool("scaled", scale=scale), min_ready_nodes=2)
    assert size(simulated, pool_id) == nodes


def test_pain_013_and_029_a_pool_shrinks_as_its_tasks_end_and_keeps_no_idle_node(
    simulated: LocalBatch,
) -> None:
    pool_id = scaled(pending_tasks(10))
    submit(simulated, pool_id, *range(10, 90, 10))
    simulated.clock.advance(_EVALUATION)
    assert size(simulated, pool_id) == (0, 8)
    sizes = []
    for _ in range(10):
        simulated.clock.advance(timedelta(minutes=10))
        sizes.append(size(simulated, pool_id)[1])
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 4
    assert sizes[-1] == 0
    assert_each_ran_once(simulated, 8)


@pytest.mark.parametrize(
    "scale",
    [
        pending_tasks(5),
        spot_with_dedicated_fallback(5, max_dedicated=1),
        zero_when_idle(5, idle=timedelta(minutes=5)),
        working_hours(5),
    ],
    ids=["pending", "fallback", "idle", "hours"],
)
def test_pain_020_and_021_no_task_is_killed_when_nodes_are_given_up(
    simulated: LocalBatch, scale: AutoScale
) -> None:
    """Half of the tasks end soon; the others run until long after the working hours."""
    simulated.clock.advance(until_monday_at_five(simulated.clock.now()))
    pool_id = scaled(scale, task_slots=2)
    submit(simulated, pool_id, *[5] * 5, *[180] * 5)
    simulated.clock.run_until_done()
    assert_each_ran_once(simulated, 10)
    simulated.clock.advance(timedelta(minutes=20))
    assert size(simulated, pool_id) == (0, 0)


def until_monday_at_five(now: datetime) -> timedelta:
    """Until an hour before the end of working hours."""
    evening = now.replace(hour=17, minute=0, second=0, microsecond=0)
    return evening + timedelta(days=7 - now.weekday()) - now
