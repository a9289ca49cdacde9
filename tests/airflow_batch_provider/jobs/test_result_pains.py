"""What users missed of the results of their tasks, and of how long those took: on a real emulator."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.exceptions import AirflowFailException, BatchResultError
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import JobGraph, SpecError, blob, shell
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_pain_128_run_time_of_a_job_and_of_its_tasks_is_told(
    jobs: Jobs, pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("short", shell("true"))
    graph.task("long", shell("sleep 1.2"))
    claim, summary = to_the_end(jobs.run(graph, pool))
    ran = {task.id: length(task.execution_info) for task in batch.list_tasks(claim.job_id)}
    assert summary["seconds"] == {
        "job": pytest.approx(length(batch.get_job(claim.job_id).execution_info), abs=0.01),
        "tasks": pytest.approx(ran["short"] + ran["long"], abs=0.01),
    }
    (line,) = (line for line in jobs.lines if line.startswith(f"Batch job {claim.job_id} took 0:00:"))
    assert "its tasks ran for 0:00:0" in line
    assert "the longest, long, for 0:00:01" in line


def length(info: Any) -> float:
    taken: dt.timedelta = info.end_time - info.start_time
    return taken.total_seconds()


@pytest.mark.parametrize("pattern", ["../results/*.csv", "results/../../*.csv"])
def test_pain_189_a_pattern_that_batch_refuses_is_an_error_when_the_dag_is_parsed(pattern: str) -> None:
    with pytest.raises(SpecError, match=r"refuses '\.\.'; move the file below the working directory"):
        AzureBatchTaskOperator(task_id="t", pool_id="p", command="true", outputs=[pattern])


def test_pain_189_and_the_streams_are_kept_by_the_one_pattern_that_may_have_dots(
    jobs: Jobs, pool: str, storage: StorageAccess
) -> None:
    storage.ensure_container("streams")
    graph = JobGraph()
    graph.task("t", shell("echo said"), outputs={"../stdout.txt": blob("streams/said.txt")})
    to_the_end(jobs.run(graph, pool))
    assert storage.read_blob("streams", "said.txt", 100) == b"said\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("r2.json", "Task 't' left no 'r.json', which is its result: there is no batch-work/"),
        ("r.json", "The result 'r.json' of task 't' is no JSON"),
    ],
)
def test_a_result_that_cannot_be_had_is_told_and_not_tried_again(
    jobs: Jobs, pool: str, written: str, told: str
) -> None:
    graph = JobGraph()
    graph.task("t", shell(f"echo x > {written}"), outputs=["r.json"], result="r.json")
    with pytest.raises(BatchResultError) as failed:
        to_the_end(jobs.run(graph, pool))
    assert isinstance(failed.value, AirflowFailException)
    assert str(failed.value).startswith(told)
    assert failed.value.layer == "command"


def test_pain_190_an_output_is_missed_also_where_its_container_is_not_there(
    jobs: Jobs, pool: str, storage: StorageAccess
) -> None:
    storage.ensure_container("absent")
    graph = JobGraph()
    outputs = {"a.csv": blob("no-such-container/a.csv"), "b.csv": blob("absent/not-b.csv")}
    graph.task("t", shell("true"), outputs=outputs)
    to_the_end(jobs.run(graph, pool))
    told = [line for line in jobs.lines if "is in storage" in line]
    assert [line.split("'")[1] for line in told] == ["a.csv", "b.csv"]


def test_pain_190_an_output_that_is_not_there_though_the_task_is_fine_is_told(
    jobs: Jobs, pool: str, storage: StorageAccess
) -> None:
    storage.ensure_container("absent")
    graph = JobGraph()
    graph.task(
        "t",
        shell("mkdir out; echo 1 > out/a.csv; echo 2 > .hidden; echo 3 > b.txt"),
        outputs={
            "out/*.csv": None,
            "out/*.parquet": None,
            "*hidden": None,
            "b.txt": blob("absent/b.txt"),
            "c.txt": blob("absent/c.txt"),
            "d/*": blob("absent/d/"),
        },
    )
    graph.task("failing", shell("true"), outputs=["core"], upload_when="failure")
    _, summary = to_the_end(jobs.run(graph, pool))
    assert summary["tasks"]["succeeded"] == 2
    told = [line for line in jobs.lines if "is in storage" in line]
    assert [line.split("'")[1] for line in told] == ["out/*.parquet", "*hidden", "c.txt", "d/*"]
    assert told[0].startswith("Task t succeeded, and nothing of its output 'out/*.parquet' is in storage.")
    assert "a leading dot must be spelled" in told[0]
    assert "fileuploadout.txt" in told[0]
