"""Retries by where a failure lies, as Airflow asks its policies."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.sdk import DAG

from airflow_batch_provider.exceptions import (
    BatchJobFailedError,
    BatchJobTimeoutError,
    BatchPoolError,
    BatchRequestError,
)
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph, SpecError

pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="Airflow before 3.3 has no retry policies")

from airflow_batch_provider.retry_policy import AzureBatchRetryPolicy
from tests.airflow_batch_provider.airflow_versions import dag_serialization, needs_airflow_33


def failed(layer: str) -> BatchJobFailedError:
    return BatchJobFailedError("it failed", layer=layer)


def action(policy: AzureBatchRetryPolicy, error: BaseException) -> str:
    return str(policy.evaluate(error, 1, 3).action.value)


def test_only_the_layers_named_are_retried() -> None:
    policy = AzureBatchRetryPolicy(retry=["preemption", "capacity"])
    assert action(policy, failed("preemption")) == "retry"
    assert action(policy, BatchPoolError("no nodes", layer="capacity")) == "retry"
    assert action(policy, failed("command")) == "fail"
    assert action(policy, BatchJobTimeoutError("too long")) == "fail"


def test_only_the_layers_named_fail_at_once() -> None:
    policy = AzureBatchRetryPolicy(fail=["command"], delays={"quota": timedelta(minutes=5)})
    assert action(policy, failed("command")) == "fail"
    assert action(policy, failed("upload")) == "default"
    decision = policy.evaluate(BatchRequestError("too many jobs", layer="quota"), 1, 3)
    assert (decision.action.value, decision.retry_delay) == ("retry", timedelta(minutes=5))


def test_errors_that_are_not_of_this_provider_are_left_to_airflow() -> None:
    assert action(AzureBatchRetryPolicy(retry=["quota"]), ValueError("a bug")) == "default"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"delays": 5}, r"delays is 5. Write \{'quota': timedelta\(minutes=5\)\}"),
        ({"delays": {"quota": 300}}, "delays of 'quota' is 300. Give a timedelta"),
        ({"retry": ["preemptoin"]}, "preemption"),
        ({"retry": "preemption"}, "a list"),
        ({"delays": {"capcity": timedelta(1)}}, "capacity"),
        ({"retry": ["quota"], "fail": ["quota"]}, "one of the two"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_at_parse(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        AzureBatchRetryPolicy(**fields)


def test_it_comes_back_from_its_plain_form() -> None:
    policy = AzureBatchRetryPolicy(retry=["quota"], delays={"quota": timedelta(seconds=9)})
    plain = json.loads(json.dumps(policy.serialize()))
    assert AzureBatchRetryPolicy.deserialize(plain).serialize() == policy.serialize()


@needs_airflow_33
def test_airflow_asks_it_and_a_dag_with_it_can_be_stored() -> None:
    from airflow.sdk.execution_time import task_runner

    graph = JobGraph()
    graph.task("t", "true")
    with DAG("policy", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
        operator = AzureBatchJobOperator(
            task_id="job",
            pool_id="p",
            graph=graph,
            retries=3,
            retry_policy=AzureBatchRetryPolicy(retry=["preemption"]),
        )
    assert "retry_policy" in json.dumps(dag_serialization().to_dict(dag))
    instance: Any = SimpleNamespace(task=operator, try_number=1, _ti_context_from_server=None)
    decision = task_runner._evaluate_retry_policy(instance, failed("command"), structlog.get_logger(), None)
    assert decision is not None
    assert decision.action.value == "fail"


def test_an_airflow_without_policies_is_told_with_what_works_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    import airflow.sdk

    import airflow_batch_provider.retry_policy as module

    name = module.__name__
    monkeypatch.setitem(sys.modules, "airflow.sdk", SimpleNamespace())  # type: ignore[arg-type]
    try:
        old = importlib.reload(module)
        with pytest.raises(SpecError, match="no_retry_layers"):
            old.AzureBatchRetryPolicy(retry=["quota"])
    finally:
        monkeypatch.setitem(sys.modules, "airflow.sdk", airflow.sdk)
        importlib.reload(sys.modules[name])


def test_no_retry_layers_of_the_operator_are_checked_at_parse() -> None:
    graph = JobGraph()
    graph.task("t", "true")
    with pytest.raises(SpecError, match="command"):
        AzureBatchJobOperator(task_id="job", pool_id="p", graph=graph, no_retry_layers=["comand"])
