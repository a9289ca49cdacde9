"""The pool operator without a server: arguments, templates, serialization, resuming."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import AutoScale, FixedScale, Pool, SpecError, StartTask, pending_tasks


def an_operator(**fields: Any) -> AzureBatchPoolOperator:
    pool = Pool(id="p-{{ ds_nodash }}", vm_size="{{ params.size }}", scale=FixedScale(spot=1))
    return AzureBatchPoolOperator(**{"task_id": "t", "batch_pool": pool, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"batch_pool": "p"}, "batch_pool"),
        ({"on_drift": "recraete"}, "Did you mean 'recreate'"),
        ({"wait_for": "idle"}, "one of 'nodes', 'steady', None"),
    ],
)
def test_mistakes_are_errors_at_dag_parse(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        an_operator(**fields)


def test_every_text_of_the_pool_is_rendered_by_airflow() -> None:
    operator = an_operator(
        batch_pool=Pool(
            id="p-{{ ds_nodash }}",
            vm_size="{{ params.size }}",
            scale=AutoScale("$TargetDedicatedNodes = {{ params.n }};"),
            start_task=StartTask(["echo", "{{ ds }}"]),
        )
    )
    context: Any = {"ds": "2026-01-02", "ds_nodash": "20260102", "params": {"size": "big", "n": 3}}
    operator.render_template_fields(context)
    assert (operator.batch_pool.id, operator.batch_pool.vm_size) == ("p-20260102", "big")
    assert operator.batch_pool.scale == AutoScale("$TargetDedicatedNodes = 3;")
    assert operator.batch_pool.start_task == StartTask(["echo", "2026-01-02"])


def test_what_a_template_gives_is_checked() -> None:
    operator = an_operator()
    context: Any = {"ds_nodash": "a b", "params": {"size": "big"}}
    with pytest.raises(SpecError, match="'p-a b'"):
        operator.render_template_fields(context)


def test_airflows_own_slot_pool_is_left_alone_and_the_dag_serializes() -> None:
    from tests.airflow_batch_provider.airflow_versions import dag_serialization

    with DAG("d", schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)) as dag:
        operator = an_operator()
    assert operator.pool == "default_pool"
    first, second = (str(dag_serialization().to_dict(dag)) for _ in range(2))
    assert first == second
    assert " at 0x" not in first


@pytest.mark.parametrize(
    ("scale", "given", "wanted"),
    [
        (FixedScale(), None, 0),
        (FixedScale(spot=3), None, 1),
        (FixedScale(spot=3), 3, 3),
        (pending_tasks(5), None, 0),
        (pending_tasks(5), 1, 1),
    ],
)
def test_how_many_nodes_are_waited_for(scale: Any, given: int | None, wanted: int) -> None:
    pool = Pool(id="p", vm_size="standard_s", scale=scale)
    assert an_operator(batch_pool=pool, min_ready_nodes=given)._wanted_nodes() == wanted


def event(**changes: Any) -> dict[str, Any]:
    return {
        "status": "ready",
        "wait_for": "nodes",
        "deadline": 0.0,
        "pool_id": "p",
        "message": "",
        "fatal": False,
        "warnings": [],
        **changes,
    }


def test_resuming_gives_the_pool_id() -> None:
    pool = Pool(id="p", vm_size="standard_s")
    assert an_operator(batch_pool=pool).execute_complete({}, event()) == "p"  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("fatal", "kind"), [(True, BatchPoolHopelessError), (False, BatchPoolError)])
def test_a_lasting_failure_is_not_retried(fatal: bool, kind: type[Exception]) -> None:
    from tests.airflow_batch_provider.airflow_versions import AirflowFailException

    with pytest.raises(kind, match="quota") as caught:
        an_operator().execute_complete({}, event(status="failed", message="quota", fatal=fatal))  # type: ignore[typeddict-item]
    assert isinstance(caught.value, AirflowFailException) is fatal
