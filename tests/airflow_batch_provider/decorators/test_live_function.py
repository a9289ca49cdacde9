"""A function on a node of a real emulator: what Airflow and its people learn of it beside the result."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.watching.streams import READ, UNREAD
from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.exceptions import BatchSpecError
from airflow_batch_provider.links.job import OUTPUT_LINK_KEY
from airflow_batch_provider.triggers.task import AzureBatchTaskTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.jobs.operator_run import Instance

pytestmark = pytest.mark.slow


def shout(word: str) -> str:
    print(word.upper())  # noqa: T201 - it is looked for
    return word


def run_function(word: str, pool: str, conn_id: str, instance: Instance) -> None:
    with DAG("tests", schedule=None):
        operator: Any = azure_batch_task(
            pool_id=pool, conn_id=conn_id, deferrable=False, poll_interval=0.2, task_id="job"
        )(shout)(word).operator
    assert operator.execute(instance.context()) == word
    assert "Batch output" in [link.name for link in operator.operator_extra_links]


def test_the_output_link_leads_to_the_folder_of_the_task(
    pool: str, batch_conn_id: str, storage: StorageAccess
) -> None:
    instance = Instance()
    run_function("heard", pool, batch_conn_id, instance)
    root, _, folder = instance.pushed[OUTPUT_LINK_KEY].partition("/batch-work/")
    assert root == storage.storage.account_url
    assert b"HEARD" in storage.read_blob("batch-work", f"{folder}stdout.txt", 10_000)


def test_it_is_not_waited_for_longer_than_airflow_lets_the_task_run(pool: str, batch_conn_id: str) -> None:
    with DAG("tests", schedule=None):
        operator: Any = azure_batch_task(
            pool_id=pool, conn_id=batch_conn_id, task_id="job", execution_timeout=timedelta(minutes=10)
        )(shout)("word").operator
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(Instance().context())
    assert deferred.value.trigger.serialize()[1]["deadline"] < time.time() + 541


def test_what_it_printed_is_shown_from_its_copy_when_the_node_was_gone_before_it_was_read(
    pool: str, batch_conn_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with DAG("tests", schedule=None):
        operator: Any = azure_batch_task(
            pool_id=pool, conn_id=batch_conn_id, poll_interval=0.2, task_id="job"
        )(shout)("heard").operator
    instance = Instance()
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(instance.context())
    _, arguments = deferred.value.trigger.serialize()

    async def fire() -> dict[str, Any]:
        async for event in AzureBatchTaskTrigger(**json.loads(json.dumps(arguments))).run():
            return json.loads(json.dumps(event.payload))  # type: ignore[no-any-return]
        raise AssertionError("no event")

    event = asyncio.run(fire())
    ((task_id, (_, _, end)),) = event["seen"].items()
    assert end == READ
    capsys.readouterr()
    assert operator.resume(instance.context(), event) == "heard"
    assert "HEARD" not in capsys.readouterr().out
    event["seen"] = {task_id: [0, 0, UNREAD]}
    assert operator.resume(instance.context(), event) == "heard"
    assert f"[{task_id}] HEARD" in capsys.readouterr().out


def test_a_function_that_needs_more_slots_than_a_node_has_is_refused(pool: str, batch_conn_id: str) -> None:
    with DAG("tests", schedule=None):
        operator: Any = azure_batch_task(
            pool_id=pool, conn_id=batch_conn_id, required_slots=100, task_id="job"
        )(shout)("word").operator
    with pytest.raises(BatchSpecError, match=r"needs 100 slots, and a node of pool .* has 4"):
        operator.execute(Instance().context())
