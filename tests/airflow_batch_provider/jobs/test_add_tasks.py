"""Tasks in somebody else's job, on a real emulator: added once, waited for, ended, and no other touched."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.exceptions import (
    BatchJobConflictError,
    BatchJobFailedError,
    BatchJobTimeoutError,
    BatchRequestError,
    BatchSpecError,
)
from airflow_batch_provider.links.job import JOB_LINK_KEY, OUTPUT_LINK_KEY
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.spec import JobGraph, JobManager, SpecError, blob, on_exit, shell
from airflow_batch_provider.triggers.added_tasks import AzureBatchAddedTasksTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.conftest import Stats

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def a_job(batch: BatchClient, pool_id: str, **properties: Any) -> str:
    """A job of somebody else, with a task of its own."""
    job_id = f"theirs-{uuid.uuid4().hex[:8]}"
    body: Any = {"id": job_id, "poolInfo": {"poolId": pool_id}, "usesTaskDependencies": True, **properties}
    batch.create_job(body)
    theirs: Any = {"id": "part-of-others", "commandLine": "/bin/sleep 300"}
    batch.create_task(job_id, theirs)
    return job_id


def end(batch: BatchClient, job_id: str) -> None:
    why: Any = {"terminateReason": "test"}
    batch.begin_terminate_job(job_id, why, polling_interval=1).wait()


def context(run_id: str | None = None, try_number: int = 1) -> Any:
    run_id = run_id or uuid.uuid4().hex
    ti = SimpleNamespace(
        dag_id="d", task_id="add", run_id=run_id, map_index=-1, try_number=try_number, pushed={}
    )
    ti.xcom_push = lambda key, value: ti.pushed.update({key: value})
    return {"ti": ti, "run_id": run_id}


def adding(conn_id: str, job_id: str, graph: JobGraph, **options: Any) -> AzureBatchJobAddTasksOperator:
    options = {"poll_interval": 0.5, **options}
    return AzureBatchJobAddTasksOperator(
        task_id="add", conn_id=conn_id, job_id=job_id, graph=graph, **options
    )


def carry_out(operator: AzureBatchJobAddTasksOperator, given: Any) -> dict[str, Any]:
    """Run an operator to its end, its wait in a trigger made from what is stored of it."""
    try:
        return operator.execute(given)
    except TaskDeferred as deferred:
        _, arguments = deferred.trigger.serialize()
    event = asyncio.run(first_event(AzureBatchAddedTasksTrigger(**json.loads(json.dumps(arguments)))))
    return operator.resume(given, event)


async def first_event(trigger: AzureBatchAddedTasksTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AssertionError("the trigger ended without an event")


def counted() -> JobGraph:
    graph = JobGraph()
    parts = graph.fan_out("part", range(3), lambda n: {"command": shell(f"echo {n} > n"), "outputs": ["n"]})
    total = shell("cat */n | awk '{s += $1} END {print s}' > s.json")
    graph.merge("part-total", total, of=parts, collect="n", outputs=["s.json"], result="s.json")
    return graph


@pytest.mark.parametrize("deferrable", [True, False])
def test_tasks_run_in_a_job_that_goes_on(
    batch: BatchClient, batch_conn_id: str, pool: str, deferrable: bool
) -> None:
    job_id = a_job(batch, pool)
    operator, given = adding(batch_conn_id, job_id, counted(), deferrable=deferrable), context()
    told = carry_out(operator, given)
    assert [link.name for link in operator.operator_extra_links] == ["Batch job", "Batch output"]
    assert job_id in given["ti"].pushed[JOB_LINK_KEY]
    assert given["ti"].pushed[OUTPUT_LINK_KEY].endswith(f"/{told['work']}/")
    assert told["tasks"] == {"total": 4, "succeeded": 4, "failed": 0}
    assert told["results"] == {"part-total": 3}
    assert batch.get_job(job_id).state == "active"
    assert batch.get_task(job_id, "part-of-others").state != "completed"
    end(batch, job_id)


def test_a_retry_adds_nothing_twice_and_lets_failed_tasks_run_again(
    batch: BatchClient, batch_conn_id: str, pool: str
) -> None:
    job_id = a_job(batch, pool)
    graph = JobGraph()
    flag = f"$AZ_BATCH_NODE_SHARED_DIR/{job_id}"
    graph.task("once", shell("true"))
    graph.task("second-time", shell(f"test -e {flag} || {{ touch {flag}; exit 7; }}"))
    run_id = uuid.uuid4().hex
    with pytest.raises(BatchJobFailedError, match=r"1 failed, 1 succeeded"):
        carry_out(adding(batch_conn_id, job_id, graph), context(run_id))
    first = batch.get_task(job_id, "once").execution_info.start_time
    # The shared folder is a node's own: the task may run on the other node next.
    told = [
        _tried(lambda: carry_out(adding(batch_conn_id, job_id, graph), context(run_id, 2))) for _ in range(3)
    ]
    assert told[-1] == {"total": 2, "succeeded": 2, "failed": 0}
    assert batch.get_task(job_id, "once").execution_info.start_time == first
    assert len(list(batch.list_tasks(job_id))) == 3
    with pytest.raises(BatchJobConflictError, match=r"(?s)has a task 'once' already.*ts_nodash"):
        carry_out(adding(batch_conn_id, job_id, graph), context())
    end(batch, job_id)


def _tried(step: Any) -> Any:
    try:
        return step()["tasks"]
    except BatchJobFailedError as failed:
        return str(failed)


def test_tasks_that_can_never_run_are_ended_and_told(
    batch: BatchClient, batch_conn_id: str, pool: str
) -> None:
    job_id = a_job(batch, pool)
    graph = JobGraph()
    graph.task("bad", shell("exit 3")) >> graph.task("never", shell("true"))
    with pytest.raises(BatchJobFailedError, match="1 failed"):
        carry_out(adding(batch_conn_id, job_id, graph), context())
    assert batch.get_task(job_id, "never").state == "completed"
    assert batch.get_task(job_id, "part-of-others").state != "completed"
    end(batch, job_id)


def test_whoever_is_killed_or_late_ends_these_tasks_and_no_others(
    batch: BatchClient, batch_conn_id: str, empty_pool: str, stats: Stats
) -> None:
    job_id = a_job(batch, empty_pool)
    graph = JobGraph()
    graph.task("mine", shell("true"))
    run_id = uuid.uuid4().hex
    killed = adding(batch_conn_id, job_id, graph)
    with pytest.raises(TaskDeferred):
        killed.execute(context(run_id))
    other = adding(batch_conn_id, job_id, graph)
    with pytest.raises(BatchJobConflictError):
        other.execute(context())
    other.on_kill()  # as if killed before it knew that the task is not its own
    assert batch.get_task(job_id, "mine").state == "active"
    killed.on_kill()
    assert batch.get_task(job_id, "mine").state == "completed"
    assert batch.get_task(job_id, "part-of-others").state == "active"
    late = JobGraph()
    late.task("late", shell("true"), inputs={"it": blob("incoming/it")})
    slow = adding(batch_conn_id, job_id, late, timeout=timedelta(seconds=12))
    with pytest.raises(BatchJobTimeoutError, match=r"(?s)were not done within.*pool-\w+ has no nodes"):
        carry_out(slow, context())
    assert [each.name for each in slow.lineage.inputs] == ["it"]
    assert batch.get_task(job_id, "late").state == "completed"
    tags = {"dag_id": "d", "task_id": "add", "pool_id": empty_pool, "layer": "wall_clock"}
    assert stats.sent == [("azure_batch.failures", 1, tags)]
    deferred_graph = JobGraph()
    deferred_graph.task("deferred", shell("true"))
    with pytest.raises(TaskDeferred) as deferred:
        adding(batch_conn_id, job_id, deferred_graph, execution_timeout=timedelta(minutes=10)).execute(
            context()
        )
    assert deferred.value.trigger.serialize()[1]["deadline"] < time.time() + 541
    asyncio.run(deferred.value.trigger.on_kill())
    assert batch.get_task(job_id, "deferred").state == "completed"
    end(batch, job_id)
    with pytest.raises(BatchJobConflictError, match="takes no more tasks"):
        carry_out(adding(batch_conn_id, job_id, graph), context(run_id))
    with pytest.raises(BatchRequestError, match="JobNotFound") as refused:
        carry_out(adding(batch_conn_id, f"{job_id}x", graph), context())
    told = str(refused.value)
    assert f"the account has no job '{job_id}x'" in told
    assert f"Did you mean {job_id!r}?" in told
    assert "deleted while Airflow waited" not in told


def test_added_tasks_whose_end_nobody_saw_have_done_well_all_the_same(
    batch: BatchClient, batch_conn_id: str, pool: str
) -> None:
    job_id, graph, run = a_job(batch, pool), JobGraph(), context()
    graph.task("one", "/bin/true")
    assert carry_out(adding(batch_conn_id, job_id, graph), run)["tasks"]["succeeded"] == 1
    late = {"ending": "timeout", "reason": ""}  # as after an outage that has lasted beyond the deadline
    assert adding(batch_conn_id, job_id, graph).resume(run, late)["tasks"]["succeeded"] == 1
    end(batch, job_id)


def test_exit_conditions_fit_the_job_as_it_is(batch: BatchClient, batch_conn_id: str, pool: str) -> None:
    job_id = a_job(batch, pool, onTaskFailure="performexitoptionsjobaction")
    graph = JobGraph()
    graph.task("odd", shell("exit 3"), exit_conditions=[on_exit(3, dependency="satisfy")])
    told = carry_out(adding(batch_conn_id, job_id, graph), context())
    assert told["tasks"] == {"total": 1, "succeeded": 0, "failed": 1}
    assert batch.get_job(job_id).state == "active"
    end(batch, job_id)


def test_mistakes_are_errors_when_the_dag_is_parsed() -> None:
    graph = JobGraph()
    graph.task("manage", "x", job_manager=JobManager())
    with pytest.raises(SpecError, match="created with its job"):
        adding("c", "j", graph)
    growing = JobGraph()
    plan = growing.task("plan", "x", outputs=["a.json"], result="a.json")
    growing.expand(after=plan, build=lambda told: growing.more())
    with pytest.raises(SpecError, match="the graph expands"):
        adding("c", "j", growing)
    with pytest.raises(SpecError, match="It is a JobGraph or a function"):
        adding("c", "j", "graph")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="graph is no function"):
        adding("c", "j", counted(), graph_kwargs={"n": 1})


def test_what_the_pool_of_the_job_can_never_run_is_refused_and_not_added(
    batch: BatchClient, batch_conn_id: str, pool: str
) -> None:
    job_id = a_job(batch, pool)
    graph = JobGraph()
    graph.task("wide", "/bin/true", required_slots=100)
    with pytest.raises(BatchSpecError, match=r"needs 100 slots, and a node of pool .* has 4"):
        adding(batch_conn_id, job_id, graph).execute(context())
    assert [task.id for task in batch.list_tasks(job_id)] == ["part-of-others"]
    end(batch, job_id)
