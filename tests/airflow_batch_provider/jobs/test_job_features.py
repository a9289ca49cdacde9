"""Preparation, release, managers and tasks on several nodes, as real processes of a real emulator."""

from __future__ import annotations

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.spec import (
    Container,
    JobGraph,
    JobManager,
    JobPreparation,
    JobRelease,
    MultiInstance,
    blob,
    shell,
)
from tests.airflow_batch_provider.conftest import make_pool
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = pytest.mark.slow


def test_preparation_brings_files_to_each_node_and_release_ends_after_it(
    jobs: Jobs, pool: str, storage: StorageAccess, batch: BatchClient
) -> None:
    storage.ensure_container("incoming")
    storage.upload_blob("incoming", "prepared/model.txt", "7")
    graph = JobGraph()
    use = shell('echo "{\\"model\\": $(cat $AZ_BATCH_JOB_PREP_WORKING_DIR/model.txt)}" > told.json')
    graph.task("use", use, outputs=["told.json"], result="told.json")
    preparation = JobPreparation(
        shell("test $WORD = hello && cat model.txt"),
        inputs={"model.txt": blob("incoming/prepared/model.txt")},
        environment={"WORD": "hello"},
        max_retries=1,
    )
    run = jobs.run(graph, pool, preparation=preparation, release=JobRelease(shell("exit 0")))
    claim, summary = to_the_end(run)
    assert summary["results"] == {"use": {"model": 7}}
    (status,) = batch.list_job_preparation_and_release_task_status(claim.job_id)
    assert status.job_preparation_task_execution_info.result == "success"
    assert status.job_release_task_execution_info.result == "success"


def test_a_manager_is_a_task_of_the_graph_that_starts_first(
    jobs: Jobs, pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    manager = graph.task("manage", shell("echo 1 > n.json"), outputs=["n.json"], job_manager=JobManager())
    use = shell("cp n total.json")
    graph.task(
        "use", use, inputs={"n": manager.output("n.json")}, outputs=["total.json"], result="total.json"
    )
    claim, summary = to_the_end(jobs.run(graph, pool))
    assert summary["results"] == {"use": 1}
    assert summary["tasks"] == {"total": 2, "succeeded": 2, "failed": 0}
    assert batch.get_job(claim.job_id).job_manager_task.id == "manage"
    assert jobs.run(graph, pool, run_id=claim.identity.run_id).claim().found.value == "succeeded"


def test_a_manager_may_end_its_job(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    graph = JobGraph()
    graph.task("manage", shell("exit 0"), job_manager=JobManager(kill_job=True, exclusive=False))
    claim, summary = to_the_end(jobs.run(graph, pool))
    assert summary["tasks"]["succeeded"] == 1
    assert batch.get_job(claim.job_id).execution_info.termination_reason == "JMComplete"


def test_a_task_takes_several_nodes_at_once(jobs: Jobs, batch: BatchClient) -> None:
    pool = make_pool(batch, nodes=2, slots=1, inter_node=True)
    graph = JobGraph()
    graph.task(
        "both",
        shell("echo $AZ_BATCH_NODE_LIST | tr ';' '\\n' | wc -l > nodes.json"),
        multi_instance=MultiInstance(2, shell("exit 0")),
        outputs=["nodes.json"],
        result="nodes.json",
    )
    claim, summary = to_the_end(jobs.run(graph, pool))
    assert summary["results"] == {"both": 2}
    assert len(list(batch.list_subtasks(claim.job_id, "both"))) == 1


def test_container_settings_are_those_of_the_official_client(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("one", "", container=Container("python:3.12", "--shm-size 1g"))
    run = jobs.run(graph, empty_pool, display_name="Nightly", max_task_retries=2)
    claim = run.claim()
    run.fill(claim)
    settings = batch.get_task(claim.job_id, "one").container_settings
    assert (settings.image_name, settings.container_run_options) == ("python:3.12", "--shm-size 1g")
    job = batch.get_job(claim.job_id)
    assert (job.display_name, job.constraints.max_task_retry_count) == ("Nightly", 2)
    run.terminate(claim.job_id, "test")
