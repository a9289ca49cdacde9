"""The operator of the official name, with an official connection, on a real emulator."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import BatchClient, models

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError, BatchRequestError
from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.official_arguments import MODELS
from airflow_batch_provider.spec import SpecError, blob
from airflow_batch_provider.triggers.task import AzureBatchTaskTrigger
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.conftest import Stats
from tests.airflow_batch_provider.jobs.operator_run import Instance

POOL = {
    "batch_pool_vm_size": "standard_d2s_v5",
    "vm_publisher": "canonical",
    "vm_offer": "0001-com-ubuntu-server-jammy",
    "vm_sku": "22_04-lts",
    "vm_node_agent_sku_id": "batch.node.ubuntu 22.04",
    "target_low_priority_nodes": 1,
}


@pytest.fixture(autouse=True)
def official_connection(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """As the official provider lays it out; only for tests that talk to an emulator."""
    if "pool" in request.fixturenames or "empty_pool" in request.fixturenames:
        emulator: BatchAccount = request.getfixturevalue("emulator")
        fields = {
            "conn_type": "azure_batch",
            "login": emulator.name,
            "password": emulator.key,
            "extra": {"account_url": emulator.endpoint},
        }
        monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(fields))


def operator(command: str, pool_id: str = "p", job_id: str = "", **options: Any) -> AzureBatchOperator:
    return AzureBatchOperator(
        task_id="job",
        batch_pool_id=pool_id,
        batch_job_id=job_id or f"job-{uuid.uuid4().hex[:8]}",
        batch_task_id="crunch",
        batch_task_command_line=command,
        poll_interval=1,
        **{**POOL, **options},
    )


def until(true: Callable[[], bool]) -> None:
    """Wait for what the service does soon after it has said yes."""
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 30 seconds")


async def fire(deferred: TaskDeferred) -> Any:
    path, kwargs = deferred.trigger.serialize()
    assert path == "airflow_batch_provider.triggers.task.AzureBatchTaskTrigger"
    async for event in AzureBatchTaskTrigger(**json.loads(json.dumps(kwargs))).run():
        return json.loads(json.dumps(event.payload))
    raise AssertionError("no event")


@pytest.mark.slow
async def test_pain_162_a_task_waits_in_the_triggerer(pool: str, capsys: pytest.CaptureFixture[str]) -> None:
    instance = Instance()
    made = operator("/bin/sh -c 'echo hello from the node'", pool, "shared", deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, instance.context())
    event = await fire(deferred.value)
    assert "[crunch] hello from the node" in capsys.readouterr().out
    done = await asyncio.to_thread(made.resume, instance.context(), event)
    assert done == {"job_id": "shared", "pool_id": pool, "task_id": "crunch"}


@pytest.mark.slow
@pytest.mark.parametrize("deferrable", [False, True])
async def test_pain_039_a_command_that_fails_fails_the_task_with_its_output(
    pool: str, deferrable: bool
) -> None:
    instance = Instance()
    made = operator("/bin/sh -c 'echo disk on fire >&2; exit 9'", pool, deferrable=deferrable)
    told = r"(?s)exit code 9.*let the command end with 0 for it.*disk on fire"
    if not deferrable:
        with pytest.raises(BatchJobFailedError, match=told):
            await asyncio.to_thread(made.execute, instance.context())
        return
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, instance.context())
    event = await fire(deferred.value)
    with pytest.raises(BatchJobFailedError, match=told):
        await asyncio.to_thread(made.resume, instance.context(), event)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [dict, models.ResourceFile])
def test_jinja_in_files_is_rendered_so_that_no_signature_is_in_the_dag(
    kind: Any, pool: str, storage: StorageAccess
) -> None:
    storage.ensure_container("signed")
    storage.upload_blob("signed", "words", b"one two")
    signed = storage.resource_file(blob("signed/words"), "words")["httpUrl"]
    assert "sig=" in signed
    file = {"httpUrl": "{{ signed_url }}", "filePath": "{{ run_id }}.txt"}
    given = (
        file if kind is dict else models.ResourceFile(http_url=file["httpUrl"], file_path=file["filePath"])
    )
    instance = Instance()
    command = f"/bin/grep 'one two' {instance.run_id}.txt"
    made = operator(command, pool, batch_task_resource_files=[given])
    assert made.execute(instance.context(signed_url=signed))["pool_id"] == pool
    assert [each.name for each in made.lineage.inputs] == ["words"]
    assert "sig=" not in str([getattr(made, name) for name in (*made.template_fields, *MODELS)])


def test_jinja_in_files_that_cannot_be_read_is_an_error_when_the_dag_is_parsed() -> None:
    file = {"httpUrl": "{{ var.value.url }", "filePath": "x"}
    with pytest.raises(SpecError, match=r"batch_task_resource_files.*cannot be read"):
        operator("/bin/true", batch_task_resource_files=[file])


@pytest.mark.slow
def test_a_failed_task_of_somebody_else_in_the_same_job_is_not_ours(pool: str, batch: BatchClient) -> None:
    job_id = f"shared-{uuid.uuid4().hex[:8]}"
    batch.create_job({"id": job_id, "poolInfo": {"poolId": pool}})  # type: ignore[arg-type]
    theirs: Any = {"id": "theirs", "commandLine": "/bin/false"}
    batch.create_task(job_id, theirs)
    made = operator("/bin/true", pool, job_id, should_delete_job=True)
    assert made.execute(Instance().context())["job_id"] == job_id


@pytest.mark.slow
def test_a_pool_is_made_and_deleted_and_the_models_of_the_client_are_taken(
    pool: str, batch: BatchClient
) -> None:
    pool_id = f"made-{uuid.uuid4().hex[:8]}"
    task_user = models.AutoUserSpecification(elevation_level="nonadmin", scope="task")
    made = operator(
        "/bin/sh -c 'test -f ../../../../startup/wd/ready || test -n \"$AZ_BATCH_POOL_ID\"'",
        pool_id,
        batch_pool_display_name="made for one task",
        batch_start_task=models.BatchStartTask(
            command_line="/bin/sh -c 'touch ready'", wait_for_success=True
        ),
        batch_job_preparation_task=models.BatchJobPreparationTask(command_line="/bin/true"),
        batch_job_release_task=models.BatchJobReleaseTask(command_line="/bin/true"),
        batch_task_user_identity=models.UserIdentity(auto_user=task_user),
        batch_task_display_name="crunches",
        use_latest_verified_vm_image_and_sku=True,
        sku_starts_with="22_04",
        should_delete_pool=True,
    )
    done = made.execute(Instance().context())
    task = batch.get_task(done["job_id"], "crunch")
    assert task.display_name == "crunches"
    assert task.user_identity is not None
    assert "AIRFLOW_BATCH_OWNER" in [setting.name for setting in task.environment_settings or ()]
    assert pool_id not in [each.id for each in batch.list_pools() if each.state != "deleting"]


@pytest.mark.slow
async def test_a_kill_ends_the_own_task_and_nothing_else(empty_pool: str, batch: BatchClient) -> None:
    job_id = f"shared-{uuid.uuid4().hex[:8]}"
    made = [operator("/bin/true", empty_pool, job_id, deferrable=True) for _ in range(3)]
    deferred = []
    for each in made:
        with pytest.raises(TaskDeferred) as caught:
            await asyncio.to_thread(each.execute, Instance().context())
        deferred.append(caught.value.trigger)
    await asyncio.to_thread(made[0].on_kill)
    await deferred[1].on_kill()
    states = {each.batch_task_id: batch.get_task(job_id, each.batch_task_id).state for each in deferred}
    assert list(states.values()) == ["completed", "completed", "active"]
    assert batch.get_job(job_id).state == "active"
    batch.begin_terminate_job(job_id, {"terminateReason": "test"}, polling_interval=1).wait()


@pytest.mark.slow
def test_a_task_that_takes_too_long_is_ended(pool: str, batch: BatchClient, stats: Stats) -> None:
    instance = Instance()
    made = operator("/bin/sleep 600", pool, timeout=0.001)
    with pytest.raises(BatchJobTimeoutError, match=r"did not end within timeout=0\.001 minutes of its start"):
        made.execute(instance.context())
    assert stats.layers == ["wall_clock"]
    until(lambda: batch.get_task(made.batch_job_id, "crunch").state == "completed")


@pytest.mark.slow
def test_a_refusal_names_the_property_and_the_reason(pool: str) -> None:
    preparation = {"commandLine": "/bin/true", "constraints": {"maxTaskRetryCount": -5}}
    made = operator("/bin/true", pool, batch_job_preparation_task=preparation)
    with pytest.raises(BatchRequestError) as refused:
        made.execute(Instance().context())
    assert "PropertyName: constraints.maxTaskRetryCount" in str(refused.value)
    assert "PropertyValue: -5; Reason: " in str(refused.value)


@pytest.mark.slow
async def test_a_task_that_gets_no_node_is_told_which_time_was_over(empty_pool: str) -> None:
    made = operator("/bin/true", empty_pool, deferrable=True, start_timeout=timedelta(seconds=3))
    context = Instance().context()
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, context)
    event = await fire(deferred.value)
    assert event["ending"] == "unstarted"
    with pytest.raises(BatchJobTimeoutError, match=r"did not start within start_timeout=0\.05 minutes"):
        await asyncio.to_thread(made.resume, context, event)


@pytest.mark.slow
def test_start_and_run_share_what_execution_timeout_leaves(empty_pool: str) -> None:
    made = operator("/bin/true", empty_pool, deferrable=True, execution_timeout=timedelta(minutes=10))
    begun = time.time()
    with pytest.raises(TaskDeferred) as deferred:
        made.execute(Instance().context())
    _, trigger = deferred.value.trigger.serialize()
    assert trigger["deadline"] == trigger["latest"] == pytest.approx(begun + 540, abs=30)
    assert trigger["seconds"] == 25 * 60


def test_parameters_that_cannot_work_are_errors_when_the_dag_is_parsed() -> None:
    with pytest.raises(SpecError, match="add one"):
        operator("/bin/true", batch_job_release_task={"commandLine": "/bin/true"})
    with pytest.raises(SpecError, match="it has no size"):
        operator("/bin/true", target_low_priority_nodes=None)
    with pytest.raises(SpecError, match=r"start_timeout is 90\. Give a timedelta"):
        operator("/bin/true", start_timeout=90)
    with pytest.raises(SpecError, match="task 'job': the command is empty"):
        operator(" ")
    with pytest.raises(SpecError, match=r"batch_job_id: the id 'a job!' has .*'a-job' would do"):
        operator("/bin/true", job_id="a job!")
    with pytest.raises(SpecError, match=r"batch_task_resource_files\[0\]: .*'http_url'.*mean 'httpUrl'"):
        operator("/bin/true", batch_task_resource_files=[{"http_url": "https://a/b", "filePath": "b"}])
    with pytest.warns(UserWarning, match=r"task 'job' has '\|'.* write \"/bin/sh -c"):
        operator("cat a | wc")
    with pytest.raises(SpecError, match=r"batch_pool_id: the id 'p\.q' has other"):
        operator("/bin/true", "p.q")
    operator("{{ params.command }} | wc", "{{ params.pool }}", "{{ params.job }}!")  # known later
    operator("", batch_task_container_settings={"imageName": "alpine"})
    with pytest.raises(SpecError, match="Give the model"):
        operator("/bin/true", batch_start_task="/bin/true")


def test_what_has_no_effect_is_told_once_and_all_else_says_nothing() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        operator("/bin/true", "{{ params.pool }}", batch_max_retries=3)
        operator("/bin/true", batch_max_retries=5)
    assert [str(each.message).split("\n")[0] for each in told] == [
        "batch_max_retries=5 of task 'job' has no effect, and had none in the official operator. "
        "Write retries=5 for Airflow to retry."
    ]
