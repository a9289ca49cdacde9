"""Airflow tasks that fail for good before all their Batch tasks are in: no job of theirs stays active."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG
from azure.batch import BatchClient

from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.exceptions import BatchJobConflictError, BatchRequestHopelessError
from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import JobGraph, shell
from tests.airflow_batch_provider.jobs.operator_run import Instance, complete, operator
from tests.airflow_batch_provider.jobs.test_azure_batch import POOL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("connection"), pytest.mark.timeout(120)]

WORD = "x" * 60_000
FAT = {f"PART_{number}": WORD for number in range(20)}
"""An environment of more than a request may have."""


def on_try(number: int, retries: int, run_id: str | None = None) -> Instance:
    instance: Any = Instance(run_id, retries)
    instance.try_number = number
    return instance  # type: ignore[no-any-return]


def life(batch: BatchClient, job_id: str) -> str:
    """Whether a job counts against the quota for ever: ``ended``, ``ends`` with its tasks, or ``stays``."""
    job = batch.get_job(job_id)
    if job.state in ("terminating", "completed"):
        return "ended"
    return "ends" if job.all_tasks_complete_mode == "terminatejob" else "stays"


def growing(build: Callable[[Any], Any]) -> JobGraph:
    graph = JobGraph()
    plan = graph.task("plan", shell("echo 1 > plan.json"), outputs=["plan.json"], result="plan.json")
    graph.expand(after=plan, build=build)
    return graph


def fails(error: Exception) -> Callable[[Any], Any]:
    def build(told: Any) -> Any:
        raise error

    return build


async def failed(make: Callable[[], Any], instance: Instance, error: type[Exception], told: str = "") -> str:
    """The id of the job of an operator that fails."""
    made: list[Any] = []

    def remembered() -> Any:
        made.append(make())
        return made[-1]

    with pytest.raises(error, match=f"(?s){told}"):
        await complete(remembered, instance)
    return str(made[-1].identity.job_id)


@pytest.mark.parametrize("error", [ValueError("no"), TypeError("no")])
async def test_pain_117_and_121_a_graph_that_cannot_grow_leaves_no_active_job(
    pool: str, batch: BatchClient, error: Exception
) -> None:
    graph, run_id = growing(fails(error)), uuid.uuid4().hex
    job_id = await failed(lambda: operator(graph, pool), on_try(1, 1, run_id), type(error))
    assert life(batch, job_id) == "stays"  # for the retry, which goes on with it
    assert await failed(lambda: operator(graph, pool), on_try(2, 1, run_id), type(error)) == job_id
    assert life(batch, job_id) == "ended"


async def test_the_last_try_ends_what_an_earlier_one_began_although_it_fails_sooner(
    pool: str, batch: BatchClient
) -> None:
    run_id, broken = uuid.uuid4().hex, [False]

    def graph() -> JobGraph:
        if broken[0]:
            raise OSError("the list of files cannot be read")
        return growing(fails(ValueError("no")))

    job_id = await failed(lambda: operator(graph, pool), on_try(1, 1, run_id), ValueError)
    broken[0] = True
    assert await failed(lambda: operator(graph, pool), on_try(2, 1, run_id), OSError) == job_id
    assert life(batch, job_id) == "ended"


async def test_a_job_of_an_earlier_try_of_another_graph_is_left_alone_but_ends_with_its_tasks(
    pool: str, batch: BatchClient
) -> None:
    run_id = uuid.uuid4().hex
    graph = growing(fails(ValueError("no")))
    waits = graph.task("waits", shell("sleep 100"))
    job_id = await failed(lambda: operator(graph, pool), on_try(1, 1, run_id), ValueError)
    changed = JobGraph()
    changed.task("other", "/bin/true")
    await failed(lambda: operator(changed, pool), on_try(2, 1, run_id), BatchJobConflictError)
    assert life(batch, job_id) == "ends"
    assert batch.get_task(job_id, waits.id).state != "completed"
    batch.begin_terminate_job(job_id, {"terminateReason": "test"}, polling_interval=1).wait()


@pytest.mark.parametrize("beside", [0, 250])
async def test_pain_069_and_121_a_task_that_is_too_large_is_told_and_leaves_no_active_job(
    empty_pool: str, batch: BatchClient, beside: int
) -> None:
    graph = JobGraph()
    for number in range(beside):
        graph.task(f"good-{number}", "/bin/true")
    graph.task("fat", "/bin/true", environment=FAT)
    told = "Task 'fat' was not accepted.*larger than a request may be.*environment settings, of them PART_0"
    job_id = await failed(lambda: operator(graph, empty_pool), on_try(1, 3), BatchRequestHopelessError, told)
    assert life(batch, job_id) == "ended"


async def test_pain_121_nor_does_a_command_that_is_too_large(empty_pool: str, batch: BatchClient) -> None:
    make = lambda: AzureBatchTaskOperator(  # noqa: E731
        task_id="job", pool_id=empty_pool, command=["echo", *[WORD] * 20]
    )
    assert life(batch, await failed(make, on_try(1, 3), BatchRequestHopelessError)) == "ended"


def one() -> int:
    return 1


def test_pain_121_nor_does_a_function_that_is_too_large(empty_pool: str, batch: BatchClient) -> None:
    with DAG("tests", schedule=None):
        made: Any = azure_batch_task(pool_id=empty_pool, task_id="job", environment=FAT)(one)()
    with pytest.raises(BatchRequestHopelessError, match="of them PART_0 the longest"):
        made.operator.execute(on_try(1, 3).context())
    assert life(batch, made.operator._mine[0]) == "ended"


def official(job_id: str, pool: str, command: str) -> AzureBatchOperator:
    return AzureBatchOperator(
        task_id="job",
        batch_pool_id=pool,
        batch_job_id=job_id,
        batch_task_id="crunch",
        batch_task_command_line=command,
        **POOL,
    )


async def test_pain_121_nor_does_a_task_of_the_official_operator(empty_pool: str, batch: BatchClient) -> None:
    job_id = f"job-{uuid.uuid4().hex[:8]}"
    made = official(job_id, empty_pool, f"echo {WORD * 20}")
    with pytest.raises(BatchRequestHopelessError, match="its command"):
        await asyncio.to_thread(made.execute, on_try(1, 3).context())
    assert life(batch, job_id) == "ended"
