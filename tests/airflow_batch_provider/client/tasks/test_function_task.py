"""Mapped instances share a job: each adds its own task, and the job ends when all are in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_batch_provider.client.files.function_files import FunctionCall, references_in, result_at
from airflow_batch_provider.client.tasks.single_task import claim_task
from airflow_batch_provider.spec.compile import JobStorage, WorkArea
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.function_source import FunctionSource
from airflow_batch_provider.spec.function_task import FunctionTask
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.official import OWNER_VARIABLE
from tests.airflow_batch_provider.client.scripted import Scripted
from tests.airflow_batch_provider.client.tasks.test_single_task import DeathError, Service


class Listing(Service):
    def list_tasks(self, job_id: str) -> list[Any]:
        return [wire for (job, _), wire in self.tasks.items() if job == job_id]


class NoFiles:
    """Access to storage, of which these tasks have none but their logs."""

    def container_destination(self, container: str, path: str | None) -> dict[str, Any]:
        return {"containerUrl": container, "path": path}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def instance(map_index: int, instances: int = 3, generation: int = 0) -> FunctionTask:
    identity = JobIdentity("dag", "run", "square", map_index, generation)
    owner = f"{identity.owner}-{generation}"

    def graph_of(task_id: str) -> JobGraph:
        graph = JobGraph()
        graph.task(task_id, ["true"], environment={OWNER_VARIABLE: owner}, keep_logs=False)
        return graph

    return FunctionTask(
        identity=identity,
        options=JobOptions("p", on_task_failure="continue"),
        graph_of=graph_of,
        storage_of=lambda job_id: JobStorage(WorkArea("work", job_id), NoFiles()),  # type: ignore[arg-type]
        instances=instances,
    )


def claimed(service: Service, task: FunctionTask) -> tuple[str, str]:
    claim = Scripted(service).run(claim_task(task, lambda job_id, task_id: None))
    return claim.job_id, claim.task_id


def test_the_last_instance_lets_the_job_end() -> None:
    service = Listing()
    jobs = set()
    for index in (2, 0, 1):
        assert all(job["onAllTasksComplete"] == "noaction" for job in service.jobs.values())
        job_id, task_id = claimed(service, instance(index))
        jobs.add(job_id)
        assert task_id == f"square-{index}-0-1"
    (job_id,) = jobs
    assert service.jobs[job_id]["onAllTasksComplete"] == "terminatejob"


def test_instances_whose_numbers_begin_alike_are_told_apart() -> None:
    service = Listing()
    for index in range(10, 12):
        claimed(service, instance(index, instances=12))
    assert all(job["onAllTasksComplete"] == "noaction" for job in service.jobs.values())


@pytest.mark.parametrize("at", range(2, 6))
@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_at_any_step_leads_to_one_task_and_a_job_that_ends(at: int, after: bool) -> None:
    service = Listing()
    for index in (0, 1):
        claimed(service, instance(index))
    service.steps, service.die_at, service.after = 0, at, after
    with pytest.raises(DeathError):
        claimed(service, instance(2))
    service.die_at = None
    job_id, _ = claimed(service, instance(2))
    assert len(service.tasks) == 3
    assert service.jobs[job_id]["onAllTasksComplete"] == "terminatejob"


def test_a_retry_adds_a_task_to_the_job_that_lives_and_leaves_the_others_alone() -> None:
    service = Listing()
    job_id, _ = claimed(service, instance(0))
    claimed(service, instance(1))
    service.end(job_id, "square-0-0-1", good=False)
    assert claimed(service, instance(0)) == (job_id, "square-0-0-2")
    assert service.jobs[job_id]["onAllTasksComplete"] == "noaction"
    claimed(service, instance(2))
    assert service.jobs[job_id]["onAllTasksComplete"] == "terminatejob"


def test_a_retry_after_the_job_has_ended_has_another_that_ends_with_it() -> None:
    service = Listing()
    for index in range(3):
        job_id, task_id = claimed(service, instance(index))
        service.end(job_id, task_id, good=index != 1, job_too=index == 2)
    assert claimed(service, instance(0)) == (job_id, "square-0-0-1")
    further, task_id = claimed(service, instance(1))
    assert further != job_id
    assert task_id == "square-1-0-1"
    assert service.jobs[further]["onAllTasksComplete"] == "terminatejob"
    assert len(service.jobs) == 2


def test_a_cleared_instance_runs_again_though_its_task_did_well() -> None:
    service = Listing()
    for index in range(3):
        job_id, task_id = claimed(service, instance(index))
        service.end(job_id, task_id, good=True)
    assert claimed(service, instance(1, generation=1)) == (job_id, "square-1-1-1")


def test_a_job_and_its_tasks_are_found_again_by_all_instances() -> None:
    plain = replace(instance(0).identity, map_index=-1)
    assert replace(instance(0), identity=plain).job_id == instance(2, generation=4).job_id
    wire = instance(1).job_wire(instance(1).job_id)
    assert wire["poolInfo"] == {"poolId": "p"}
    assert wire["onTaskFailure"] == "noaction"


def test_references_are_found_wherever_arguments_hold_them() -> None:
    first, second = ({"azure_batch_result": f"work/{each}/result.bin"} for each in "ab")
    held = {"deep": [first, (second, 1)], "again": first}
    assert list(references_in(held)) == ["work/a/result.bin", "work/b/result.bin", "work/a/result.bin"]
    call = FunctionCall(FunctionSource("f", "", "f.py", 1), [held], {}, "pickle", (), None)
    assert call.places() == {"work/a/result.bin": "results/0", "work/b/result.bin": "results/1"}


@pytest.mark.parametrize(
    "location",
    ["incoming/a/result.bin", "work/a/other.bin", "https://x.blob.core.windows.net/work/a/result.bin"],
)
def test_nothing_is_unpickled_from_elsewhere(location: str) -> None:
    assert result_at("work/a/result.bin", "work").name == "a/result.bin"
    with pytest.raises(SpecError, match="no result in container 'work'"):
        result_at(location, "work")
