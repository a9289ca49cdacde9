"""Jobs with a pool of their own, on a real emulator: one pool for each job, and none when it has ended."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job_schedule import AzureBatchJobScheduleOperator
from airflow_batch_provider.operators.job_schedule_delete import AzureBatchJobScheduleDeleteOperator
from airflow_batch_provider.spec import (
    AutoPool,
    FixedScale,
    JobGraph,
    JobManager,
    JobOptions,
    JobSchedule,
    LatestImage,
    Pool,
    SpecError,
    StartTask,
    blob,
    shell,
)
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.operator_run import Instance, operator
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def auto_pool(**fields: Any) -> AutoPool:
    """With a name of its own, so that tests find their pools."""
    of_auto = {name: fields.pop(name) for name in ("lifetime", "keep_alive", "prefix") if name in fields}
    name = f"auto-{uuid.uuid4().hex[:8]}"
    pool = {"id": name, "vm_size": "standard_d2s_v3", "scale": FixedScale(spot=1), **fields}
    return AutoPool(Pool(**pool), **of_auto)


def hello(command: str = "echo hello > out.json; echo '\"done\"' > out.json") -> JobGraph:
    graph = JobGraph()
    graph.task("hello", shell(command), outputs=["out.json"], result="out.json")
    return graph


def pools_of(batch: BatchClient, auto: AutoPool) -> list[str]:
    return [pool.id for pool in batch.list_pools() if pool.id.startswith(auto.label)]


def until(condition: Callable[[], Any]) -> None:
    """Wait for what a real service does by itself."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_pool_comes_with_the_job_and_goes_with_it(jobs: Jobs, batch: BatchClient) -> None:
    auto = auto_pool(task_slots=2)
    run = jobs.run(hello(), auto)
    run.claim()
    (pool_id,) = pools_of(batch, auto)
    assert batch.get_pool(pool_id).task_slots_per_node == 2
    _, summary = to_the_end(run)
    assert summary["results"] == {"hello": "done"}
    assert summary["pool_id"] == pool_id
    until(lambda: not pools_of(batch, auto))


def test_whoever_takes_over_finds_the_job_and_makes_no_second_pool(jobs: Jobs, batch: BatchClient) -> None:
    auto, run_id = auto_pool(), uuid.uuid4().hex
    first = jobs.run(hello(), auto, run_id).claim()
    run = jobs.run(hello(), auto, run_id)
    assert run.claim().job_id == first.job_id
    assert len(pools_of(batch, auto)) == 1
    to_the_end(run)
    until(lambda: not pools_of(batch, auto))
    again, _ = to_the_end(jobs.run(hello(), auto, run_id))
    assert again.job_id == first.job_id
    assert not pools_of(batch, auto)


def test_a_failed_job_leaves_no_pool_and_its_output_is_shown(jobs: Jobs, batch: BatchClient) -> None:
    auto = auto_pool()
    with pytest.raises(BatchJobFailedError, match="disk on fire"):
        to_the_end(jobs.run(hello("echo disk on fire >&2; exit 3"), auto))
    until(lambda: not pools_of(batch, auto))


def test_a_pool_may_be_kept(jobs: Jobs, batch: BatchClient) -> None:
    auto = auto_pool(keep_alive=True)
    _, summary = to_the_end(jobs.run(hello(), auto))
    assert pools_of(batch, auto) == [summary["pool_id"]]
    batch.begin_delete_pool(summary["pool_id"])


def test_its_start_task_reads_blobs(jobs: Jobs, batch: BatchClient) -> None:
    assert jobs.storage is not None
    jobs.storage.ensure_container("incoming")
    jobs.storage.upload_blob("incoming", "word.txt", '"from a blob"')
    start = StartTask(
        shell("cp word.txt $AZ_BATCH_NODE_SHARED_DIR"), inputs={"word.txt": blob("incoming/word.txt")}
    )
    graph = hello("cp $AZ_BATCH_NODE_SHARED_DIR/word.txt out.json")
    _, summary = to_the_end(jobs.run(graph, auto_pool(start_task=start)))
    assert summary["results"] == {"hello": "from a blob"}


def test_a_graph_that_a_function_makes_is_checked_before_the_job_is_made(
    jobs: Jobs, batch: BatchClient
) -> None:
    graph, auto = JobGraph(), auto_pool(task_slots=2)
    graph.task("wide", "true", required_slots=3)
    with pytest.raises(SpecError, match="needs 3 slots"):
        jobs.run(graph, auto).claim()
    assert not pools_of(batch, auto)


@pytest.fixture
def identity_conn(
    batch_conn_id: str, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch, emulator: Any
) -> None:
    """A connection that names an identity for nodes, which a pool that the service makes cannot have."""
    identity = (
        "/subscriptions/0/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/n"
    )
    extra = {
        "storage_connection_string": azurite.connection_string,
        "node_identity_resource_id": identity,
    }
    fields = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(fields))


def test_an_operator_gives_nodes_sas_and_finds_the_newest_image(
    identity_conn: None, batch: BatchClient
) -> None:
    image = LatestImage(publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts")
    auto = auto_pool(image=image)
    instance = Instance()
    made = operator(hello(), auto, deferrable=False)
    told = made.execute(instance.context())
    assert told["results"] == {"hello": "done"}
    assert told["pool_id"].startswith(auto.label)
    until(lambda: not pools_of(batch, auto))


def test_a_schedule_has_one_pool_which_goes_with_it(batch_conn_id: str, batch: BatchClient) -> None:
    auto, graph = auto_pool(lifetime="schedule"), JobGraph()
    graph.task("manage", "true", job_manager=JobManager(), keep_logs=False)
    schedule_id = f"s-{uuid.uuid4().hex[:8]}"
    schedule = JobSchedule(schedule_id, graph, JobOptions(auto), every=timedelta(minutes=1))
    with_schedule = AzureBatchJobScheduleOperator(task_id="s", job_schedule=schedule, conn_id=batch_conn_id)
    for _ in range(2):
        assert with_schedule.execute({}) == schedule_id  # type: ignore[arg-type, typeddict-item]
    client = AzureBatchHook(batch_conn_id).batch_client()
    until(lambda: [job.state for job in client.list_jobs_from_schedule(schedule_id)] == ["completed"])
    assert len(pools_of(batch, auto)) == 1
    AzureBatchJobScheduleDeleteOperator(
        task_id="d", schedule_id=schedule_id, conn_id=batch_conn_id, deferrable=False
    ).execute({})
    until(lambda: not pools_of(batch, auto))
