"""Formulas that the service evaluates no more are set anew, wherever a pool is made sure of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_actions import set_auto_scale
from airflow_batch_provider.client.pools.pools import ensure_pool
from airflow_batch_provider.client.requests.steps import Refusal, Script
from airflow_batch_provider.spec import Pool, pending_tasks
from tests.airflow_batch_provider.client.scripted import Scripted


class _Account:
    account_resource_id = ""


WIRE = Pool(id="p", vm_size="standard_d2s_v5", scale=pending_tasks(3)).to_wire(_Account())


def service(minutes_ago: float, **fields: Any) -> Scripted:
    """One with the pool, whose formula was evaluated last so long ago."""
    evaluated = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=minutes_ago)
    run = {"timestamp": evaluated.strftime("%Y-%m-%dT%H:%M:%SZ"), "results": "$TargetLowPriorityNodes=0"}
    pool = {**WIRE, "state": "active", "allocationState": "steady", "autoScaleRun": run, **fields}

    def answer(operation: str, *asked: Any, **options: Any) -> Any:
        if operation == "create_pool":
            raise Refusal("PoolExists", 409, "there is one")
        if operation == "enable_pool_auto_scale" and minutes_ago > 10_000:
            raise Refusal("TooManyEnableAutoScaleRequests", 409, "once in 30 seconds")
        return pool if operation == "get_pool" else None

    return Scripted(answer)


def ensured() -> Script[Any]:
    return ensure_pool(WIRE, "fail")


def formula_set() -> Script[Any]:
    return set_auto_scale("p", WIRE)


@pytest.mark.parametrize("script", [ensured, formula_set])
@pytest.mark.parametrize(
    ("minutes", "fields", "anew"),
    [
        (20, {}, False),
        (60, {}, True),
        (60, {"allocationState": "resizing"}, False),
        (60, {"autoScaleRun": None}, False),
    ],
)
def test_only_what_is_overdue_is_set_anew(
    script: Any, minutes: float, fields: dict[str, Any], anew: bool
) -> None:
    served = service(minutes, **fields)
    served.run(script())
    assert ("enable_pool_auto_scale" in served.asked) == anew
    assert any("it is set anew" in line for line in served.said) == anew


def test_a_long_interval_is_not_overdue_so_soon() -> None:
    wire = Pool(
        id="p", vm_size="standard_d2s_v5", scale=pending_tasks(3, interval=dt.timedelta(hours=6))
    ).to_wire(_Account())
    served = service(600, **wire)
    served.run(ensure_pool(wire, "fail"))
    assert "enable_pool_auto_scale" not in served.asked


def test_a_pool_is_made_sure_of_also_if_its_formula_cannot_be_set_anew() -> None:
    served = service(20_000)
    assert served.run(ensured()).status == "exists"
    assert "could not be set anew: 409 TooManyEnableAutoScaleRequests" in served.said[-1]
