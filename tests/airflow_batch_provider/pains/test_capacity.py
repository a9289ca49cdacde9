"""What users told of pools that get no nodes, too few, or get them late.

On a real emulator whose region is out of capacity, and whose nodes start for long, by the account's clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.client.pools.pool_reading import Verdict
from airflow_batch_provider.client.pools.pool_watch import PoolWait, watch_pool
from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.exceptions import BatchPoolError
from airflow_batch_provider.spec import AutoScale, FixedScale, JobGraph, JobOptions, StartTask, shell
from airflow_batch_provider.spec.ids import JobIdentity
from batch_emulator.testing import LocalBatch
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.airflow_batch_provider.jobs.running import to_the_end
from tests.airflow_batch_provider.operators.running import a_pool, ensure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# How a resize ends that the region has no machines for.
CODES = ("AllocationFailed", "AllocationTimedout")


def a_region(nodes: int, code: str = "AllocationFailed") -> dict[str, Any]:
    """Faults with which a region has only so many Spot machines."""
    return {"capacity": [{"lowPriorityNodes": nodes, "code": code}]}


def errors(local: LocalBatch, pool_id: str) -> list[str]:
    return [str(error.code) for error in local.client.get_pool(pool_id).resize_errors or ()]


class Wait:
    """Waits for a pool as operators and triggers do, while the account's time goes faster.

    Parameters:
        minutes: of the account's time that go by in each pause between two looks.
        on_pause: called after each of them.
    """

    def __init__(
        self, local: LocalBatch, minutes: float, on_pause: Callable[[], object] = lambda: None
    ) -> None:
        self._local, self._minutes, self._on_pause = local, minutes, on_pause
        self.said: list[str] = []

    def for_nodes(self, pool_id: str, nodes: int, hours: float = 24) -> Verdict:
        clock = self._local.clock
        deadline = clock.now() + timedelta(hours=hours)
        wait = PoolWait(pool_id, "nodes", nodes, deadline.timestamp())
        driver = Driver(self._local.client, lambda say: self.said.append(say.text), sleep=self._pause)
        return driver.run(watch_pool(wait, clock=lambda: clock.now().timestamp()))

    def _pause(self, _seconds: float) -> None:
        self._local.clock.advance(timedelta(minutes=self._minutes), settle=0)
        self._on_pause()


def test_pain_006_a_formula_asks_again_by_itself_after_an_allocation_that_timed_out(
    local: LocalBatch, conn_id: str
) -> None:
    local.faults.set(a_region(0, "AllocationTimedout"))
    scale = AutoScale("$TargetLowPriorityNodes = 2;", interval=timedelta(minutes=20))
    pool_id = ensure(conn_id, a_pool("talking", scale=scale, inter_node_communication=True))
    seen: list[str] = []

    def give_way() -> None:
        seen.extend(errors(local, pool_id))
        if seen:
            local.faults.clear()

    verdict = Wait(local, 2, give_way).for_nodes(pool_id, 2)
    assert (seen[0], verdict.status) == ("AllocationTimedout", "ready")


@pytest.mark.parametrize("code", CODES)
def test_pain_007_and_009_a_resize_error_does_not_stop_what_can_go_on(
    local: LocalBatch, conn_id: str, code: str
) -> None:
    local.faults.set(a_region(1, code))
    pool = a_pool(f"some-{code}", scale=FixedScale(spot=3))
    ensure(conn_id, pool, wait_for=None)
    local.clock.advance(timedelta(minutes=16))
    assert errors(local, pool.id) == [code]
    verdict = Wait(local, 1).for_nodes(pool.id, 1)
    assert verdict.status == "ready"
    assert f"Pool {pool.id} has a resize error: {code}" in verdict.warnings[0]
    graph = JobGraph()
    graph.fan_out("t", range(3), lambda number: {"command": shell("true"), "keep_logs": False})
    plan = JobPlan(JobIdentity("d", "r", pool.id), JobOptions(pool.id), graph, lambda text: text)
    _, summary = to_the_end(JobRun(plan, local.client, None, logging.getLogger("t")))
    assert summary["tasks"] == {"total": 3, "succeeded": 3, "failed": 0}


def test_pain_008_and_009_out_of_capacity_is_explained_and_each_try_asks_again_until_there_is_some(
    local: LocalBatch, conn_id: str
) -> None:
    local.faults.set(a_region(0))
    pool = a_pool("none", scale=FixedScale(spot=2))
    for _ in range(2):
        with pytest.raises(BatchPoolError, match="it has 0 of 2 nodes") as caught:
            ensure(conn_id, pool)
        assert not isinstance(caught.value, AirflowFailException)
        assert caught.value.layer == "capacity"
        for part in (
            "AllocationFailed",
            "insufficient capacity for the requested VM size in the region",
            "Next step: Try again later, or choose another vm_size, region or kind of node",
            "each one asks for the missing nodes again",
        ):
            assert part in str(caught.value)
    local.faults.clear()
    assert ensure(conn_id, pool, min_ready_nodes=2) == pool.id


def test_pain_010_nodes_that_the_region_gives_late_end_the_wait_and_none_in_time_are_explained(
    local: LocalBatch, conn_id: str
) -> None:
    local.faults.set(a_region(0, "AllocationTimedout"))
    pool = a_pool("late", scale=FixedScale(spot=2))
    ensure(conn_id, pool, wait_for=None)
    verdict = Wait(local, 2).for_nodes(pool.id, 1)
    assert (verdict.status, verdict.fatal, verdict.layer) == ("failed", False, "capacity")
    assert "Azure did not allocate the nodes within the pool's resize_timeout" in str(verdict.explanation)
    ensure(conn_id, pool, wait_for=None)  # a retry
    wait = Wait(local, 2, lambda: local.faults.set(a_region(1, "AllocationTimedout")))
    assert wait.for_nodes(pool.id, 1).status == "ready"


@pytest.mark.parametrize(
    "scale", [FixedScale(spot=2, resize_timeout=timedelta(days=2)), AutoScale("$TargetLowPriorityNodes = 2;")]
)
def test_pain_027_a_resize_without_end_ends_the_wait_at_its_deadline(
    local: LocalBatch, conn_id: str, scale: FixedScale | AutoScale
) -> None:
    local.faults.set(a_region(0, "AllocationTimedout"))
    pool_id = ensure(conn_id, a_pool(f"endless-{type(scale).__name__}", scale=scale), wait_for=None)
    verdict = Wait(local, 10).for_nodes(pool_id, 1, hours=2)
    assert verdict.status == "failed"
    assert f"pool {pool_id} is resizing, 0 of 2 nodes" in str(verdict.explanation)
    assert "Azure is slow to give nodes of this size" in str(verdict.explanation)


def test_pain_030_nodes_that_start_for_long_are_told_with_their_state(
    local: LocalBatch, conn_id: str
) -> None:
    slow = {"seconds": 1800, "pools": ["op-slow"]}
    stages = ("slowBoot", "slowStart", "slowStartTask")
    local.faults.set({"nodes": [{"fault": name, **slow} for name in stages]})
    scale = FixedScale(spot=1, resize_timeout=timedelta(hours=1))
    pool_id = ensure(conn_id, a_pool("slow", scale=scale, start_task=StartTask(shell("true"))), wait_for=None)
    wait = Wait(local, 9)
    assert wait.for_nodes(pool_id, 1).status == "ready"
    assert wait.said == [
        f"Waiting: pool {pool_id} is resizing, 0 of 1 nodes (1 creating)",
        f"Waiting: pool {pool_id} is steady, 1 of 1 nodes (1 starting)",
        f"Waiting: pool {pool_id} is steady, 1 of 1 nodes (1 waitingforstarttask)",
    ]
