"""The sensors and their trigger against a real emulator and a real storage account."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_batch_provider.exceptions import BatchConditionError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.sensors.base import AzureBatchSensor
from airflow_batch_provider.sensors.blob import AzureBlobSensor
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.sensors.node_count import AzureBatchNodeCountSensor
from airflow_batch_provider.sensors.pool import AzureBatchPoolSensor
from airflow_batch_provider.sensors.task import AzureBatchTaskSensor
from airflow_batch_provider.spec import SpecError
from airflow_batch_provider.triggers.condition import AzureBatchConditionTrigger
from tests.airflow_batch_provider.airflow_versions import (
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

IMAGE = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
CONTEXT: Any = {}


@pytest.fixture
def client(batch_conn_id: str) -> Any:
    return AzureBatchHook(batch_conn_id).batch_client()


@pytest.fixture
def pool(client: Any) -> str:
    """A pool of one node."""
    return make_pool(client, 1)


def make_pool(client: Any, spot: int, dedicated: int = 0) -> str:
    pool_id = f"sensed-{uuid.uuid4().hex[:8]}"
    machine = {"imageReference": IMAGE, "nodeAgentSKUId": "batch.node.ubuntu 22.04"}
    client.create_pool(
        {
            "id": pool_id,
            "vmSize": "standard_d2s_v3",
            "virtualMachineConfiguration": machine,
            "targetLowPriorityNodes": spot,
            "targetDedicatedNodes": dedicated,
        }
    )
    return pool_id


def make_job(client: Any, pool_id: str, *commands: str) -> str:
    job_id = f"sensed-{uuid.uuid4().hex[:8]}"
    client.create_job({"id": job_id, "poolInfo": {"poolId": pool_id}})
    for number, command in enumerate(commands):
        client.create_task(job_id, {"id": f"t{number}", "commandLine": f"/bin/sh -c '{command}'"})
    client.update_job(job_id, {"onAllTasksComplete": "terminatejob"})
    return job_id


def sense(sensor: AzureBatchSensor, meanwhile: Any = lambda: None) -> Any:
    """Run a sensor to its end, its deferral in a real trigger made from its serialized form.

    :param meanwhile: called when the sensor waits.
    """
    try:
        return sensor.execute(CONTEXT)
    except TaskDeferred as deferred:
        meanwhile()
        event = asyncio.run(fire(deferred.trigger))
        return sensor.resume_execution("resume", {"event": json.loads(json.dumps(event.payload))}, CONTEXT)


async def fire(trigger: Any) -> TriggerEvent:
    path, arguments = trigger.serialize()
    assert path == "airflow_batch_provider.triggers.condition.AzureBatchConditionTrigger"
    text = json.dumps(arguments)
    assert "sig=" not in text
    async for event in AzureBatchConditionTrigger(**json.loads(text)).run():
        return event
    raise AssertionError("no event")


def options(conn_id: str, *, deferrable: bool = True, **more: Any) -> dict[str, Any]:
    return {
        "task_id": "sensor",
        "conn_id": conn_id,
        "deferrable": deferrable,
        "poll_interval": 0.3,
        "poke_interval": 0.2,
        "timeout": 60,
        **more,
    }


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_job_is_waited_for_and_its_tasks_are_counted(
    batch_conn_id: str, client: Any, pool: str, deferrable: bool
) -> None:
    job_id = make_job(client, pool, "sleep 1", "true")
    told = sense(AzureBatchJobSensor(job_id=job_id, **options(batch_conn_id, deferrable=deferrable)))
    assert told["tasks"] == {"total": 2, "succeeded": 2, "failed": 0}
    assert told["reason"] == "AllTasksComplete"


def test_a_job_whose_task_failed_fails_the_sensor_unless_any_end_will_do(
    batch_conn_id: str, client: Any, pool: str
) -> None:
    job_id = make_job(client, pool, "exit 3")
    with pytest.raises(BatchConditionError, match="1 failed"):
        sense(AzureBatchJobSensor(job_id=job_id, **options(batch_conn_id)))
    for deferrable in (True, False):
        soft = options(batch_conn_id, deferrable=deferrable, soft_fail=True)
        sense(AzureBatchJobSensor(job_id=job_id, expect="end", **options(batch_conn_id)))
        with pytest.raises(AirflowSkipException):
            AzureBatchJobSensor(job_id=job_id, **soft).execute(CONTEXT)
    assert (
        sense(AzureBatchJobSensor(job_id=job_id, expect="end", **options(batch_conn_id)))["job_id"] == job_id
    )


def test_the_triggerer_ends_a_sensor_that_is_told_to_let_it(
    batch_conn_id: str, client: Any, pool: str
) -> None:
    told = options(batch_conn_id, end_from_trigger=True)
    with pytest.raises(TaskDeferred) as deferred:
        AzureBatchJobSensor(job_id=make_job(client, pool, "sleep 1"), **told).execute(CONTEXT)
    event = asyncio.run(fire(deferred.value.trigger))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is None


def test_a_sensor_that_the_triggerer_would_end_fails_in_a_worker_and_runs_in_a_test_of_its_dag(
    batch_conn_id: str, client: Any, pool: str
) -> None:
    late = options(batch_conn_id, end_from_trigger=True)
    with pytest.raises(BatchConditionError, match="1 failed"):
        sense(AzureBatchJobSensor(job_id=make_job(client, pool, "sleep 1; exit 3"), **late))
    assert sense(AzureBatchJobSensor(job_id=make_job(client, pool, "sleep 1"), **late))["tasks"]["total"] == 1


def test_a_job_that_is_made_later_can_be_waited_for(batch_conn_id: str, client: Any, pool: str) -> None:
    job_id = f"later-{uuid.uuid4().hex[:8]}"
    with pytest.raises(BatchConditionError, match="does not exist"):
        sense(AzureBatchJobSensor(job_id=job_id, **options(batch_conn_id)))

    def make() -> None:
        client.create_job({"id": job_id, "poolInfo": {"poolId": pool}})
        client.create_task(job_id, {"id": "t", "commandLine": "/bin/true"})
        client.update_job(job_id, {"onAllTasksComplete": "terminatejob"})

    told = sense(AzureBatchJobSensor(job_id=job_id, may_be_missing=True, **options(batch_conn_id)), make)
    assert told["tasks"]["succeeded"] == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_is_waited_for(batch_conn_id: str, client: Any, pool: str, deferrable: bool) -> None:
    job_id = make_job(client, pool, "sleep 1; exit 4")
    common = options(batch_conn_id, deferrable=deferrable)
    started = sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", expect="start", **common))
    assert started["state"] in ("running", "completed")
    with pytest.raises(BatchConditionError, match=r"exit code 4[\s\S]*Next step"):
        sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", **common))
    ended = sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", expect="end", **common))
    assert ended["exit_code"] == 4


def test_pain_049_waiting_for_running_does_not_hang_when_the_task_is_already_complete(
    batch_conn_id: str, client: Any, pool: str
) -> None:
    job_id = make_job(client, pool, "true")
    common = options(batch_conn_id)
    sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", expect="end", **common))
    told = sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", expect="start", **common))
    assert told["state"] == "completed"


def test_the_timeout_of_a_deferred_sensor_is_one_deadline(batch_conn_id: str, client: Any, pool: str) -> None:
    job_id = make_job(client, make_pool(client, 0), "true")
    waiting = options(batch_conn_id, timeout=1)
    with pytest.raises(AirflowSensorTimeout, match="is active"):
        sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", **waiting))
    with pytest.raises(AirflowSkipException):
        sense(AzureBatchTaskSensor(job_id=job_id, batch_task_id="t0", soft_fail=True, **waiting))


@pytest.mark.parametrize("deferrable", [True, False])
def test_nodes_are_waited_for_until_they_come_and_until_they_are_gone(
    batch_conn_id: str, client: Any, deferrable: bool
) -> None:
    pool_id = make_pool(client, 2)
    common = options(batch_conn_id, deferrable=deferrable)
    assert sense(AzureBatchPoolSensor(pool_id=pool_id, **common)) == pool_id
    assert sense(AzureBatchNodeCountSensor(pool_id=pool_id, at_least=2, **common)) == 2
    client.begin_delete_pool(pool_id)
    assert sense(AzureBatchPoolSensor(pool_id=pool_id, expect="gone", **common)) == pool_id


def test_a_pool_that_cannot_be_allocated_fails_the_sensors_with_the_quota(
    batch_conn_id: str, client: Any
) -> None:
    pool_id = make_pool(client, 0, dedicated=2)
    for sensor in (AzureBatchPoolSensor, AzureBatchNodeCountSensor):
        with pytest.raises(BatchConditionError, match=r"AccountCoreQuotaReached[\s\S]*Next step"):
            sense(sensor(pool_id=pool_id, **options(batch_conn_id)))


@pytest.mark.parametrize("deferrable", [True, False])
def test_blobs_are_waited_for_by_prefix_and_pattern(batch_conn_id: str, deferrable: bool) -> None:
    storage = AzureBatchHook(batch_conn_id).storage()
    container = f"sensed-{uuid.uuid4().hex[:8]}"
    sensor = AzureBlobSensor(
        blobs=f"{container}/in/",
        pattern="part-*.csv",
        at_least=2,
        **options(batch_conn_id, deferrable=deferrable, poke_interval=0, timeout=60),
    )
    assert not sensor.poke(CONTEXT)
    storage.ensure_container(container)
    for name in ("in/part-1.csv", "in/other.csv"):
        storage.upload_blob(container, name, b"1")
    assert not sensor.poke(CONTEXT)
    found = sense_blobs_after(sensor, lambda: storage.upload_blob(container, "in/part-2.csv", b"2"))
    assert found == [f"{container}/in/part-1.csv", f"{container}/in/part-2.csv"]


def sense_blobs_after(sensor: AzureBatchSensor, upload: Any) -> Any:
    if not sensor.deferrable:
        upload()
    return sense(sensor, upload)


def test_a_blob_that_is_still_written_to_is_not_settled(batch_conn_id: str) -> None:
    storage = AzureBatchHook(batch_conn_id).storage()
    container = f"sensed-{uuid.uuid4().hex[:8]}"
    storage.ensure_container(container)
    log = storage.container_client(container).get_blob_client("growing.log")
    log.create_append_blob()
    common = options(batch_conn_id)
    where = f"{container}/growing.log"
    patient = AzureBlobSensor(blobs=where, settled_for=timedelta(hours=1), **common)
    log.append_block(b"line")
    reading = patient.condition().judge(patient.condition().subject.see(storage.blob_client()))  # type: ignore[arg-type] # a blob's own
    assert "changed lately" in reading.line
    assert sense(AzureBlobSensor(blobs=where, settled_for=timedelta(seconds=2), **common)) == [where]


def test_blobs_of_another_account_are_no_silence(batch_conn_id: str) -> None:
    other = "https://other.blob.core.windows.net/container/"
    with pytest.raises(SpecError, match="not in the account"):
        AzureBlobSensor(blobs=other, **options(batch_conn_id)).execute(CONTEXT)


def test_a_wrong_key_is_explained_at_once(batch_conn_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = AzureBatchHook(batch_conn_id).settings.endpoint
    wrong = {"conn_type": "azurebatch", "host": endpoint, "login": "x", "password": "d3Jvbmctd3Jvbmc="}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(wrong))
    with pytest.raises(BatchConditionError, match="Next step"):
        AzureBatchJobSensor(job_id="j", **options("wrong", deferrable=False)).execute(CONTEXT)
