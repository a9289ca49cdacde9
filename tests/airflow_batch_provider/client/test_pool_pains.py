"""What users told of waiting for pools: resize errors that pass, nodes that look hung, endless resizes."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_drift import find_drift
from airflow_batch_provider.client.pools.pool_reading import Observation, judge
from airflow_batch_provider.client.pools.pool_watch import PoolWait, watch_pool
from airflow_batch_provider.spec import NfsMount, Pool
from tests.airflow_batch_provider.client.scripted import Scripted
from tests.airflow_batch_provider.client.test_pool_reading import a_pool, nodes, short

PASSING = ("AllocationFailed", "AllocationTimedout")


@pytest.mark.parametrize("code", PASSING)
def test_pain_007_and_009_a_resize_error_does_not_stop_what_can_go_on(code: str) -> None:
    verdict = judge(Observation(short(code), nodes("idle")), "nodes", 1)
    assert verdict.status == "ready"
    assert code in verdict.warnings[0]


@pytest.mark.parametrize("code", PASSING)
def test_pain_008_and_010_without_a_node_it_is_explained_and_tried_again(code: str) -> None:
    verdict = judge(Observation(short(code)), "nodes", 1)
    assert (verdict.status, verdict.fatal) == ("failed", False)
    assert "each one asks for the missing nodes again" in str(verdict.explanation)


def test_pain_006_a_formula_asks_again_by_itself_after_an_allocation_that_timed_out() -> None:
    pool = short("AllocationTimedout", enableAutoScale=True)
    assert judge(Observation(pool), "nodes", 1).status == "wait"


def test_pain_025_a_changed_mount_is_told() -> None:
    def wire(source: str) -> dict[str, Any]:
        pool = Pool(id="p", vm_size="s", mounts=[NfsMount(source=source, path="data")])
        return pool.to_wire(_Account())

    (difference,) = find_drift(wire("server:/new"), wire("server:/old"))
    assert "declared server:/new, is server:/old" in str(difference)
    assert difference.top == "mountConfiguration"


def test_pain_027_a_resize_without_end_ends_the_wait_at_its_deadline() -> None:
    wait = PoolWait("p", "steady", 0, deadline=100.0)
    endless = Observation(a_pool(allocationState="resizing", currentDedicatedNodes=0))
    assert wait.judge(endless, 99.0).status == "wait"
    late = wait.judge(endless, 100.0)
    assert late.status == "failed"
    assert "pool p is resizing, 0 of 2 nodes" in str(late.explanation)


def test_pain_030_nodes_that_start_for_long_are_told_with_their_state() -> None:
    pool = {"id": "p", "state": "active", "allocationState": "steady", "targetDedicatedNodes": 1}
    pool["currentDedicatedNodes"] = 1
    states = iter(["creating", "starting", "starting", "waitingforstarttask", "idle"])

    def answer(operation: str, *_: Any) -> Any:
        return pool if operation == "get_pool" else [{"id": "n", "state": next(states)}]

    service = Scripted(answer)
    verdict = service.run(watch_pool(PoolWait("p", "nodes", 1, deadline=1e12)))
    assert verdict.status == "ready"
    assert [line.rpartition("(")[2] for line in service.said] == [
        "1 creating)",
        "1 starting)",
        "1 waitingforstarttask)",
    ]


class _Account:
    account_resource_id = ""
