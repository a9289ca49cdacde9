"""What users missed in pools, and could not reach by identity, is there for the tasks of a real emulator."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.job_files import JobFiles
from airflow_batch_provider.client.jobs.job_plan import JobPlan
from airflow_batch_provider.client.jobs.job_run import JobRun
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.spec import BlobMount, JobGraph, JobOptions, StartTask, blob, shell
from airflow_batch_provider.spec.ids import JobIdentity
from batch_emulator.testing import LocalBatch
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.jobs.running import to_the_end
from tests.airflow_batch_provider.operators.running import a_pool, ensure, pool_of
from tests.airflow_batch_provider.operators.test_live_package import a_tool, upload
from tests.connections import connection_to

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

READER = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/reader"
)


def job_run(local: LocalBatch, storage: StorageAccess, pool_id: str, graph: JobGraph) -> JobRun:
    plan = JobPlan(JobIdentity("d", "r", pool_id), JobOptions(pool_id), graph, lambda text: text)
    return JobRun(plan, local.client, JobFiles(storage, "batch-work"), logging.getLogger("t"))


def test_pain_034_and_036_and_037_and_192_slots_mounts_and_packages_are_there_for_tasks(
    local: LocalBatch, conn_id: str, azurite: StorageAccount, storage: StorageAccess, tmp_path: Path
) -> None:
    storage.ensure_container("mounted")
    storage.upload_blob("mounted", "in/words", "of the mount\n")
    upload(conn_id, application_id="greeter", path=str(a_tool(tmp_path / "tool", "of the package")))
    mount = BlobMount(account=azurite.name, container="mounted", path="data", account_key=azurite.key)
    start = StartTask(shell("echo of the start task > $AZ_BATCH_NODE_SHARED_DIR/words"))
    pool = a_pool("parts", task_slots=4, start_task=start, mounts=[mount], packages=["greeter==1.0"])
    ensure(conn_id, pool)
    here = tmp_path / "here"
    here.mkdir()
    graph = JobGraph()
    for number, says in enumerate(
        (
            "test \"$(cat $AZ_BATCH_NODE_MOUNTS_DIR/data/in/words)\" = 'of the mount'",
            "test \"$($AZ_BATCH_APP_PACKAGE_greeter_1_0/tool)\" = 'of the package'",
            "test \"$(cat $AZ_BATCH_NODE_SHARED_DIR/words)\" = 'of the start task'",
            "true",
        )
    ):
        # Each waits until all four run: on one node, in its four slots.
        together = f"touch {here}/{number}; until [ $(ls {here} | wc -l) = 4 ]; do sleep 0.05; done"
        graph.task(f"t{number}", shell(f"{together}; {says}"), keep_logs=False)
    _, summary = to_the_end(job_run(local, storage, pool.id, graph))
    assert summary["tasks"] == {"total": 4, "succeeded": 4, "failed": 0}
    assert len(list(local.client.list_nodes(pool.id))) == 1


def test_pain_103_and_106_and_109_and_110_files_and_mounts_are_reached_by_identity_without_any_sas(
    local: LocalBatch,
    account: BatchAccount,
    conn_id: str,
    azurite: StorageAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identified = connection_to(azurite, account, node_identity_resource_id=READER)
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL", identified)
    storage = AzureBatchHook(conn_id).storage()
    storage.ensure_container("identified")
    storage.upload_blob("identified", "words", "one two\n")
    start = StartTask(
        shell("cp words $AZ_BATCH_NODE_SHARED_DIR/words"), inputs={"words": blob("identified/words")}
    )
    mount = BlobMount(account=azurite.name, container="identified", path="data", identity=READER)
    pool = a_pool("identified", mounts=[mount], start_task=start)
    ensure(conn_id, pool)
    graph = JobGraph()
    graph.task(
        "count",
        shell("cat words $AZ_BATCH_NODE_SHARED_DIR/words $AZ_BATCH_NODE_MOUNTS_DIR/data/words | wc -w > n"),
        inputs={"words": blob("identified/words")},
        outputs={"n": blob("identified/n")},
    )
    claim, summary = to_the_end(job_run(local, storage, pool.id, graph))
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}
    assert storage.read_blob("identified", "n", 99).split() == [b"6"]
    for wire in (pool_of(conn_id, pool.id), local.client.get_task(claim.job_id, "count").as_dict()):
        assert "identityReference" in str(wire)
        assert "sig=" not in str(wire)
