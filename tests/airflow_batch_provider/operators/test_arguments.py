"""Arguments that operators and sensors share: ids that come out as nothing, waits and periods."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.job_delete import AzureBatchJobDeleteOperator
from airflow_batch_provider.operators.job_reactivate_tasks import AzureBatchJobReactivateTasksOperator
from airflow_batch_provider.operators.job_schedule_delete import AzureBatchJobScheduleDeleteOperator
from airflow_batch_provider.operators.pool_delete import AzureBatchPoolDeleteOperator
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.sensors.node_count import AzureBatchNodeCountSensor
from airflow_batch_provider.sensors.pool import AzureBatchPoolSensor
from airflow_batch_provider.sensors.task import AzureBatchTaskSensor
from airflow_batch_provider.spec import JobGraph, SpecError


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to a place where nobody listens."""
    told = {
        "conn_type": "azurebatch",
        "host": "http://127.0.0.1:9",
        "login": "nobody",
        "password": "bm9uZQ==",
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(told))


def graph() -> JobGraph:
    made = JobGraph()
    made.task("a", "/bin/true")
    return made


@pytest.mark.parametrize("value", [None, "", "  ", "None", 7])
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (AzureBatchPoolDeleteOperator, "pool_id"),
        (partial(AzureBatchPoolResizeOperator, dedicated=0), "pool_id"),
        (AzureBatchJobDeleteOperator, "job_id"),
        (AzureBatchJobScheduleDeleteOperator, "schedule_id"),
        (AzureBatchJobReactivateTasksOperator, "job_id"),
        (AzureBatchPoolSensor, "pool_id"),
        (AzureBatchNodeCountSensor, "pool_id"),
        (AzureBatchJobSensor, "job_id"),
        (partial(AzureBatchTaskSensor, batch_task_id="b"), "job_id"),
        (partial(AzureBatchTaskSensor, job_id="j"), "batch_task_id"),
    ],
)
def test_an_id_that_comes_out_as_nothing_is_an_error_and_not_something_that_is_gone(
    make: Callable[..., Any], field: str, value: object
) -> None:
    operator = make(task_id="t", **{field: "{{ upstream }}"})
    setattr(operator, field, value)  # as Airflow does when it renders templates
    with pytest.raises(SpecError, match=f"{field} has come out as"):
        operator.execute({})


@pytest.mark.parametrize("value", [3600, "1h", timedelta(hours=-1)])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda **wait: AzureBatchJobOperator(task_id="t", pool_id="p", graph=graph(), **wait), "timeout"),
        (
            lambda **wait: AzureBatchJobAddTasksOperator(task_id="t", job_id="j", graph=graph(), **wait),
            "timeout",
        ),
        (lambda **wait: AzureBatchJobDeleteOperator(task_id="t", job_id="j", **wait), "timeout"),
        (lambda **wait: AzureBatchPoolDeleteOperator(task_id="t", pool_id="p", **wait), "wait_timeout"),
    ],
)
def test_how_long_is_waited_is_checked_when_the_dag_is_parsed(
    make: Callable[..., Any], name: str, value: object
) -> None:
    with pytest.raises(SpecError, match=f"{name} is"):
        make(**{name: value})


@pytest.mark.parametrize("value", [0, -1, "15", None, True, timedelta(seconds=5)])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: AzureBatchJobOperator(task_id="t", pool_id="p", graph=graph(), poll_interval=value),
        lambda value: AzureBatchJobAddTasksOperator(
            task_id="t", job_id="j", graph=graph(), poll_interval=value
        ),
        lambda value: AzureBatchJobSensor(task_id="t", job_id="j", poll_interval=value),
    ],
)
def test_a_period_without_a_pause_is_an_error_when_the_dag_is_parsed(
    make: Callable[[Any], object], value: object
) -> None:
    with pytest.raises(SpecError, match="poll_interval is"):
        make(value)
