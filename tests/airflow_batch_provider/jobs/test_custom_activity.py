"""A custom activity of Data Factory on a real emulator, with real storage."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from azure.storage.blob import BlobServiceClient

from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError, BatchResultError
from airflow_batch_provider.lineage import DatasetName
from airflow_batch_provider.operators.custom_activity import AzureBatchCustomActivityOperator
from airflow_batch_provider.spec import SpecError
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.jobs.operator_run import Instance, fire

pytestmark = pytest.mark.slow

PROGRAM = """
echo scoring
cat activity.json datasets.json > both
grep -q topsecret linkedServices.json || exit 4
grep -o '"day": "[a-z0-9]*"' activity.json
cat helper.txt
echo '{"rows": 3}' > $AZ_BATCH_TASK_WORKING_DIR/outputs.json
"""


@pytest.fixture
def blobs(azurite: StorageAccount) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(azurite.connection_string)


@pytest.fixture
def folder(blobs: BlobServiceClient) -> str:
    """A program with a helper in a sub-folder."""
    name = f"programs-{uuid.uuid4().hex[:8]}"
    container = blobs.create_container(name)
    container.upload_blob("score/run.sh", PROGRAM)
    container.upload_blob("score/lib/helper.txt", "helped\n")
    return f"{name}/score"


def operator(
    pool: str, conn_id: str, folder: str = "", command: str = "/bin/sh run.sh", **options: Any
) -> Any:
    nodes = {"name": "N", "properties": {"type": "AzureBatch", "typeProperties": {"poolName": pool}}}
    warehouse = {"name": "W", "properties": {"typeProperties": {"connectionString": "{{ secret }}"}}}
    properties: dict[str, Any] = {
        "command": command,
        "referenceObjects": {"linkedServices": [{"referenceName": "W"}], "datasets": []},
        "extendedProperties": {"day": "{{ run_id }}"},
    }
    if folder:
        properties |= {"folderPath": folder, "resourceLinkedService": {"referenceName": "P"}}
    return AzureBatchCustomActivityOperator(
        task_id="job",
        conn_id=conn_id,
        activity={
            "name": "Score",
            "type": "Custom",
            "linkedServiceName": {"referenceName": "N"},
            "typeProperties": properties,
        },
        linked_services=[nodes, warehouse],
        poll_interval=0.3,
        **options,
    )


async def test_pain_184_an_activity_runs_as_it_is_and_brings_its_outputs_file_back(
    pool: str, batch_conn_id: str, folder: str, blobs: BlobServiceClient
) -> None:
    instance = Instance()
    context = instance.context(secret="topsecret")
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(operator(pool, batch_conn_id, folder).execute, context)
    event = await fire(deferred.value)
    resumed = operator(pool, batch_conn_id, folder)
    done = await asyncio.to_thread(resumed.resume, context, event)
    assert done["customOutput"] == {"rows": 3}
    # Its program, and none of the files that define it.
    container_name, _, prefix = folder.partition("/")
    assert resumed.lineage.inputs == [DatasetName(f"wasbs://{container_name}@devstoreaccount1", f"{prefix}/")]
    assert done["exitcode"] == 0
    assert "topsecret" not in json.dumps(done) + json.dumps(instance.pushed)
    container = blobs.get_container_client("adfjobs")
    kept = container.download_blob(f"{done['job_id']}/output/stdout.txt").readall().decode()
    assert kept == f'scoring\n"day": "{instance.run_id}"\nhelped\n'
    assert done["outputs"][0].endswith(f"/adfjobs/{done['job_id']}/output/stdout.txt")
    left = [name for name in container.list_blob_names(name_starts_with="runtime/")]
    assert not [name for name in left if b"topsecret" in container.download_blob(name).readall()]


async def test_secrets_of_a_definition_that_a_command_prints_are_masked_wherever_they_are_logged(
    pool: str, batch_conn_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = uuid.uuid4().hex
    context = Instance().context(secret=f"AccountName=acc;AccountKey={key}")
    made = operator(pool, batch_conn_id, command="/bin/sh -c 'cat linkedServices.json; exit 1'")
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, context)
    assert redact(key) == "***"
    assert key not in json.dumps(deferred.value.trigger.serialize())
    reset_secrets_masker()  # the triggerer is another process
    event = await fire(deferred.value)
    assert "AccountName=acc" in capsys.readouterr().out
    assert redact(key) == "***"
    reset_secrets_masker()
    with pytest.raises(BatchJobFailedError) as failed:
        await asyncio.to_thread(operator(pool, batch_conn_id).resume, context, event)
    assert "AccountKey=***" in str(failed.value)
    assert key not in str(failed.value)

    lost = AzureBatchJobTrigger(**deferred.value.trigger.serialize()[1])
    async for _ in lost.run():
        break
    shown = capsys.readouterr().out
    assert "What the tasks write is not shown here" in shown
    assert "AccountName=acc" not in shown


async def test_an_activity_without_program_or_output_runs_and_a_failing_one_is_explained(
    pool: str, batch_conn_id: str
) -> None:
    context = Instance().context(secret="x")
    made = operator(pool, batch_conn_id, command="/bin/ls activity.json datasets.json", deferrable=False)
    done = await asyncio.to_thread(made.execute, context)
    assert done["customOutput"] is None
    bad = operator(pool, batch_conn_id, command="/bin/sh -c 'echo no rows >&2; exit 5'", deferrable=False)
    with pytest.raises(BatchJobFailedError, match=r"(?s)exit code 5.*no rows"):
        await asyncio.to_thread(bad.execute, Instance().context(secret="x"))


def test_definitions_are_deleted_also_when_the_time_is_over(
    pool: str, batch_conn_id: str, blobs: BlobServiceClient
) -> None:
    made = operator(
        pool, batch_conn_id, command="/bin/sleep 60", deferrable=False, timeout=timedelta(seconds=1)
    )
    secret = uuid.uuid4().hex
    instance = Instance()
    with pytest.raises(BatchJobTimeoutError):
        made.execute(instance.context(secret=secret))
    assert instance.pushed["failure"]["layer"] == "wall_clock"
    assert made.lineage.inputs == []  # least of all the definition
    container = blobs.get_container_client("adfjobs")
    left = [container.download_blob(name).readall() for name in container.list_blob_names()]
    assert not [data for data in left if secret.encode() in data]


@pytest.mark.parametrize("where", ["worker", "triggerer"])
async def test_definitions_are_deleted_when_the_task_is_killed(
    pool: str, batch_conn_id: str, blobs: BlobServiceClient, where: str
) -> None:
    secret = uuid.uuid4().hex
    made = operator(pool, batch_conn_id, command="/bin/sleep 60")
    container = blobs.get_container_client("adfjobs")

    def left() -> list[str]:
        names = container.list_blob_names(name_starts_with="runtime/")
        return [name for name in names if secret.encode() in container.download_blob(name).readall()]

    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, Instance().context(secret=secret))
    assert len(left()) == 1
    if where == "worker":
        await asyncio.to_thread(made.on_kill)
    else:
        await AzureBatchJobTrigger(**deferred.value.trigger.serialize()[1]).on_kill()
    assert left() == []


@pytest.mark.parametrize(("kept", "path"), [(True, "lib/helper.txt"), (False, "helper.txt")])
async def test_pain_185_sub_folders_of_a_program_are_kept_on_request(
    pool: str, batch_conn_id: str, folder: str, kept: bool, path: str
) -> None:
    command = f"/bin/sh -c 'test $(cat {path}) = helped'"
    made = operator(pool, batch_conn_id, folder, command, keep_folders=kept, deferrable=False)
    done = await asyncio.to_thread(made.execute, Instance().context(secret="x"))
    assert done["exitcode"] == 0


def test_pain_186_a_folder_that_is_in_no_container_of_the_account_is_told(
    pool: str, batch_conn_id: str, blobs: BlobServiceClient
) -> None:
    name = f"empty-{uuid.uuid4().hex[:8]}"
    blobs.create_container(name)
    secret = uuid.uuid4().hex
    with pytest.raises(SpecError, match="holds no file in the storage account of the Airflow connection"):
        operator(pool, batch_conn_id, f"{name}/score").execute(Instance().context(secret=secret))
    container = blobs.get_container_client("adfjobs")
    written = [container.download_blob(each).readall() for each in container.list_blob_names()]
    assert not [data for data in written if secret.encode() in data]


def test_a_result_file_that_is_too_large_or_no_json_is_told(pool: str, batch_conn_id: str) -> None:
    big = "/bin/sh -c 'head -c 2000001 /dev/zero > outputs.json'"
    with pytest.raises(BatchResultError, match="more than 2,000,000 bytes"):
        operator(pool, batch_conn_id, command=big, deferrable=False).execute(Instance().context(secret="x"))
    odd = "/bin/sh -c 'echo { > outputs.json'"
    with pytest.raises(BatchResultError, match=r"'outputs\.json' of task 'output' is no JSON"):
        operator(pool, batch_conn_id, command=odd, deferrable=False).execute(Instance().context(secret="x"))


def test_without_a_pool_the_dag_is_not_parsed() -> None:
    with pytest.raises(SpecError, match="there is no pool_id"):
        AzureBatchCustomActivityOperator(
            task_id="x", activity={"name": "A", "type": "Custom", "typeProperties": {"command": "ls"}}
        )
