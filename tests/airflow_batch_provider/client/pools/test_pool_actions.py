"""What is told of actions on pools that have nothing to do."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_actions import delete_if, remove_some, stop_auto_scale
from airflow_batch_provider.client.requests.steps import Refusal
from tests.airflow_batch_provider.client.scripted import Scripted


@pytest.mark.parametrize(
    ("auto", "line"),
    [(True, "goes by its formula no more"), (False, "goes by no formula; nothing is changed")],
)
def test_stopping_a_formula_tells_whether_there_was_one(auto: bool, line: str) -> None:
    pool = {"id": "p", "state": "active", "allocationState": "steady", "enableAutoScale": auto}
    service = Scripted(lambda operation, *_, **__: pool if operation == "get_pool" else None)
    service.run(stop_auto_scale("p"))
    assert service.said == [f"Pool p {line}"]


def test_a_removal_that_finds_no_node_says_so() -> None:
    service = Scripted(lambda *_, **__: [])
    assert service.run(remove_some("p", (), ("unusable",), "requeue", again=False))
    assert service.said == ["Pool p has none of the nodes that are to be removed"]


@pytest.mark.parametrize("idle", [True, False])
def test_a_second_deletion_says_that_the_pool_is_gone(idle: bool) -> None:
    def gone(*asked: Any, **options: Any) -> Any:
        raise Refusal("PoolNotFound", 404, "no")

    service = Scripted(gone)
    assert service.run(delete_if("p", idle=idle))
    assert service.said == ["Pool p is gone already, or was being deleted"]


def test_no_answer_is_told_without_a_number() -> None:
    assert str(Refusal("", 0, "Cannot connect")) == "Cannot connect"
    assert str(Refusal("ServerBusy", 503, "later")) == "503 ServerBusy: later"
