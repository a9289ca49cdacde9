"""Values that instances of a mapped task share are refused when a DAG is parsed, as those of other tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.operators.pool_wait import AzureBatchPoolWaitOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.spec import SpecError
from tests.airflow_batch_provider.airflow_versions import dag_serialization

SHARED = [
    ({"pool_id": "no spaces"}, "pool_id"),
    ({"timeout": timedelta(-1)}, "timeout"),
    ({"poll_interval": -1}, "poll_interval"),
    ({"work_container": "Upper_Case"}, "work_container"),
]


@pytest.mark.parametrize(("wrong", "named"), SHARED)
def test_what_instances_of_a_mapped_task_share_is_refused_at_parse(wrong: dict[str, Any], named: str) -> None:
    given: dict[str, Any] = {"pool_id": "p", **wrong}
    with DAG("d", schedule=None), pytest.raises(SpecError, match=named) as told:
        AzureBatchTaskOperator.partial(task_id="t", **given).expand(command=["true", "false"])
    assert "task 't'" in str(told.value)
    with DAG("d", schedule=None), pytest.raises(SpecError, match=named) as told:
        mapped_function(**given)
    assert "task.azure_batch" in str(told.value)


OFFICIAL = {"batch_pool_vm_size": "standard_d2s_v5", "vm_node_agent_sku_id": "agent"}
SHARED_BY_OTHERS: list[tuple[Any, dict[str, Any], str, dict[str, Any]]] = [
    (AzureBatchOperator, {**OFFICIAL, "batch_job_id": "a job!"}, "batch_job_id", {"batch_task_id": ["a"]}),
    (AzureBatchOperator, {**OFFICIAL, "timeout": timedelta(1)}, "minutes", {"batch_task_id": ["a"]}),
    (AzureBatchOperator, {**OFFICIAL, "start_timeout": 5}, "start_timeout", {"batch_task_id": ["a"]}),
    (
        AzureBatchOperator,
        {**OFFICIAL, "batch_task_resource_files": [{"http_url": "x"}]},
        "httpUrl",
        {"batch_task_id": ["a"]},
    ),
    (AzureBatchJobAddTasksOperator, {"job_id": "a b"}, "job_id", {"graph_kwargs": [{"n": 1}]}),
    (AzureBatchJobAddTasksOperator, {"timeout": 60}, "timeout", {"job_id": ["a"]}),
    (AzureBatchPoolOperator, {"on_drift": "patches"}, "on_drift", {"min_ready_nodes": [1]}),
    (AzureBatchPoolOperator, {"batch_pool": "p"}, "batch_pool", {"min_ready_nodes": [1]}),
    (AzureBatchPoolResizeOperator, {"wait_timeout": 60}, "wait_timeout", {"pool_id": ["a"]}),
    (AzureBatchPoolWaitOperator, {"pool_id": 7}, "pool_id is 7", {"min_ready_nodes": [1]}),
    (AzureBatchJobSensor, {"poll_interval": 0}, "poll_interval", {"job_id": ["a"]}),
    (AzureBatchJobSensor, {"job_id": "a b"}, "job_id", {"expect": ["end"]}),
]


@pytest.mark.parametrize(("kind", "wrong", "named", "mapped"), SHARED_BY_OTHERS)
def test_what_instances_of_other_mapped_tasks_share_is_refused_at_parse(
    kind: Any, wrong: dict[str, Any], named: str, mapped: dict[str, Any]
) -> None:
    with DAG("d", schedule=None), pytest.raises(SpecError, match=named) as told:
        kind.partial(task_id="t", **wrong).expand(**mapped)
    assert "task 't'" in str(told.value)


def test_what_other_mapped_tasks_may_share_is_taken() -> None:
    with DAG("d", schedule=None):
        given = {**OFFICIAL, "batch_pool_id": "p", "batch_job_id": "{{ run_id }} !", "timeout": 5}
        AzureBatchOperator.partial(task_id="a", **given).expand(batch_task_id=["a", "b"])
        AzureBatchJobSensor.partial(task_id="s", timeout=60.0, mode="poke").expand(job_id=["a", "b"])


def mapped_function(**given: Any) -> None:
    @task.azure_batch(**given)
    def square(number: int) -> int:
        return number * number

    square.expand(number=[1, 2])


def test_what_is_mapped_or_known_later_is_not_refused_at_parse() -> None:
    with DAG("d", schedule=None) as dag:

        @task
        def pools() -> list[str]:
            return ["a", "b"]

        AzureBatchTaskOperator.partial(task_id="mapped", command="true").expand(pool_id=pools())
        AzureBatchTaskOperator.partial(task_id="later", pool_id="{{ params.pool }}").expand(command=["true"])

        @task.azure_batch(pool_id="{{ params.pool }}", timeout=timedelta(hours=1))
        def square(number: int) -> int:
            return number * number

        square.override(timeout=timedelta(hours=2)).expand(number=[1, 2])
    stored = dag_serialization().to_dict(dag)
    assert len(stored["dag"]["tasks"]) == 4
