"""What sensors refuse when a DAG is parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset

from airflow_batch_provider.sensors.blob import AzureBlobSensor
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.sensors.node_count import NODE_STATES, AzureBatchNodeCountSensor
from airflow_batch_provider.sensors.pool import AzureBatchPoolSensor
from airflow_batch_provider.sensors.task import AzureBatchTaskSensor
from airflow_batch_provider.spec import SpecError, blob


@pytest.mark.parametrize(
    ("sensor", "fields", "said"),
    [
        (AzureBatchJobSensor, {"job_id": "j", "expect": "succes"}, "success"),
        (AzureBatchTaskSensor, {"job_id": "j", "batch_task_id": "t", "expect": "running"}, "start"),
        (AzureBatchPoolSensor, {"pool_id": "p", "expect": "idle"}, "steady"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "states": "idle"}, "a list"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "at_least": 2, "at_most": 1}, "at_least=0"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "at_least": "two"}, "at_least is 'two'"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "at_most": 1.5}, "at_most is 1.5"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "states": ["ready"]}, "one of .*'idle'.*'running'"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "states": ["ilde"]}, "Did you mean 'idle'"),
        (AzureBatchNodeCountSensor, {"pool_id": "p", "states": [3]}, "a value in states is 3"),
        (
            AzureBatchJobSensor,
            {"job_id": "j", "end_from_trigger": True, "deferrable": False},
            "deferrable=False",
        ),
        (
            AzureBatchJobSensor,
            {"job_id": "j", "end_from_trigger": True, "outlets": [Asset("a")]},
            "beside outlets",
        ),
        (AzureBlobSensor, {"blobs": "container/in/", "settled_for": 30}, "timedelta"),
        (AzureBlobSensor, {"blobs": "container/in/", "at_least": 0}, "from 1 up"),
        (
            AzureBlobSensor,
            {"blobs": "incoming/*.csv"},
            r"Write blobs='incoming/', pattern='\*\.csv'",
        ),
        (
            AzureBlobSensor,
            {"blobs": "scans/in/day-?/a[1]/"},
            r"Write blobs='scans/in/', pattern='day-\?/a\[1\]/\*\*'",
        ),
        (AzureBlobSensor, {"blobs": "scans/in/", "pattern": "[9-0].csv"}, "bad character range"),
        (
            AzureBlobSensor,
            {"blobs": "scans/in", "at_least": 4},
            r"blobs is the one blob 'scans/in', and at_least is 4\. .*'scans/in/'",
        ),
        (
            AzureBlobSensor,
            {"blobs": "scans/in", "pattern": "*.csv"},
            r"blobs is the one blob 'scans/in', and pattern is '\*\.csv'\. .*'scans/in/'",
        ),
        (AzureBlobSensor, {"blobs": "az://a/b"}, "^task 't': blobs: the blob 'az://a/b' has the scheme"),
        (AzureBlobSensor, {"blobs": "Container/in/"}, "^task 't': .*lower-case"),
        (AzureBlobSensor, {"blobs": "https://a.blob.core.windows.net/container/x?sig=abc"}, "Leave out"),
    ],
)
def test_a_value_that_cannot_work_is_refused_with_the_right_one(
    sensor: Any, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        sensor(task_id="t", **fields)


def test_blobs_may_be_a_reference_or_a_template() -> None:
    assert AzureBlobSensor(task_id="t", blobs=blob("container/in/")).blobs == "container/in/"
    assert AzureBlobSensor(task_id="t", blobs="container/{{ ds }}/").blobs == "container/{{ ds }}/"
    assert AzureBlobSensor(task_id="t", blobs="container/a[1].csv").blobs == "container/a[1].csv"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("*.csv", "Write blobs='container/'"),
        ("one.csv", "blobs is the one blob 'container/one.csv', and at_least is 2"),
    ],
)
def test_what_comes_out_of_a_template_is_checked_when_it_is_there(what: str, said: str) -> None:
    rendered = AzureBlobSensor(task_id="t", blobs="container/{{ what }}", at_least=2)
    rendered.render_template_fields({"what": what})  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=f"^task 't': .*{said}"):
        rendered.condition()


def test_the_states_of_a_node_are_those_of_the_service_and_told_in_the_documentation() -> None:
    from azure.batch.models import BatchNodeState

    assert set(NODE_STATES) == {state.value for state in BatchNodeState}
    AzureBatchNodeCountSensor(task_id="t", pool_id="p", states=["startTaskFailed"])
    page = (Path(__file__).parents[3] / "docs/sensors.md").read_text()
    assert all(f"`{state}`" in page for state in NODE_STATES)
