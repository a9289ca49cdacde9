"""How the job operator ends: by failure, timeout or a kill, and what it ends then."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import timedelta

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError, BatchSpecError
from airflow_batch_provider.links.job import JOB_LINK_KEY
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph, blob, shell
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException, TaskDeferred
from tests.airflow_batch_provider.conftest import Stats, make_pool
from tests.airflow_batch_provider.jobs.operator_run import Instance, complete, fire, operator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("connection")]


async def test_a_failed_task_fails_the_operator_with_an_explanation(pool: str) -> None:
    graph = JobGraph()
    graph.task("bad", shell("echo oops >&2; exit 2"))
    instance = Instance()
    with pytest.raises(BatchJobFailedError, match="oops"):
        await complete(lambda: operator(graph, pool), instance)
    failure = instance.pushed["failure"]
    assert failure["job_id"] in instance.pushed[JOB_LINK_KEY]
    assert failure == {
        "job_id": failure["job_id"],
        "layer": "command",
        "codes": ["FailureExitCode"],
        "exit_codes": {"bad": 2},
        "work": f"batch-work/{failure['job_id']}",
    }


async def test_a_killed_task_ends_its_own_job_only_deferred_or_not(
    empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    made = [operator(graph, empty_pool) for _ in range(3)]
    triggers = []
    for each in made:
        with pytest.raises(TaskDeferred) as deferred:
            await asyncio.to_thread(each.execute, Instance().context())
        triggers.append(deferred.value.trigger)
    started = time.monotonic()
    await asyncio.to_thread(made[0].on_kill)
    await triggers[1].on_kill()
    assert time.monotonic() - started < 4
    reasons = []
    for each in made:
        assert each.identity is not None
        job = batch.get_job(each.identity.job_id)
        reasons.append((job.state, job.execution_info.termination_reason))
    assert [state in ("terminating", "completed") for state, _ in reasons] == [True, True, False]
    assert reasons[0][1] == reasons[1][1] == "AirflowTaskKilled"
    await asyncio.to_thread(made[2].on_kill)


def test_a_service_that_does_not_answer_does_not_hold_a_worker_that_is_killed(
    monkeypatch: pytest.MonkeyPatch, emulator: BatchAccount, azurite: StorageAccount
) -> None:
    monkeypatch.setattr("airflow_batch_provider.hooks.killed._WORKER_SECONDS", 0.3)
    graph = JobGraph()
    graph.task("one", "/bin/true")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fields = {"conn_type": "azurebatch", "host": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        fields |= {"login": emulator.name, "password": emulator.key}
        monkeypatch.setenv("AIRFLOW_CONN_SILENT", json.dumps(fields))
        killed = operator(graph, "p1", conn_id="silent")
        killed.identity = JobIdentity("dag", "run", "task")
        started = time.monotonic()
        killed.on_kill()
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("deferrable", [True, False])
async def test_the_timeout_ends_the_job_and_leaves_what_a_failure_leaves(
    empty_pool: str, batch: BatchClient, stats: Stats, deferrable: bool
) -> None:
    graph, instance = JobGraph(), Instance()
    graph.task("one", "/bin/true", inputs={"x": blob("read/x")}, outputs={"y": blob("written/y")})
    made: list[AzureBatchJobOperator] = []

    def make() -> AzureBatchJobOperator:
        made.append(operator(graph, empty_pool, timeout=timedelta(seconds=1), deferrable=deferrable))
        return made[-1]

    with pytest.raises(BatchJobTimeoutError, match="within the operator's timeout") as caught:
        await complete(make, instance)
    assert stats.layers == ["wall_clock"]
    assert instance.pushed["failure"] == {
        "job_id": caught.value.job_id,
        "layer": "wall_clock",
        "codes": [],
        "exit_codes": {},
        "work": f"batch-work/{caught.value.job_id}",
    }
    assert batch.get_job(caught.value.job_id).state in ("terminating", "completed")
    told = made[-1].lineage
    assert [each.name for each in (*told.inputs, *told.outputs)] == ["x", "y"]


@pytest.mark.parametrize("deferrable", [True, False])
async def test_pain_042_a_job_that_gets_no_node_in_time_is_ended_and_the_retry_goes_to_another_pool(
    empty_pool: str, pool: str, batch: BatchClient, deferrable: bool
) -> None:
    """apache/airflow#38298: a job waits for Spot capacity without end; no start timeout, so no retry."""
    graph, instance = JobGraph(), Instance(max_tries=1)
    graph.task("one", "/bin/true")
    instance.try_number = 1
    limit = {"start_timeout": timedelta(seconds=3), "deferrable": deferrable}
    with pytest.raises(BatchJobTimeoutError, match=r"no task within start_timeout=0:00:03") as late:
        await complete(lambda: operator(graph, empty_pool, **limit), instance)
    assert not isinstance(late.value, AirflowFailException)
    assert (late.value.layer, instance.pushed["failure"]["layer"]) == ("wall_clock", "wall_clock")
    assert batch.get_job(late.value.job_id).execution_info.termination_reason == "AirflowTimeout"
    instance.try_number = 2
    summary = await complete(lambda: operator(graph, pool, **limit), instance)
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}


async def test_a_task_that_has_started_in_time_may_run_for_longer(pool: str) -> None:
    graph = JobGraph()
    graph.task("one", shell("sleep 4"))
    summary = await complete(lambda: operator(graph, pool, start_timeout=timedelta(seconds=2)), Instance())
    assert summary["tasks"]["succeeded"] == 1


async def test_pain_164_at_the_deadline_a_triggerer_ends_the_job_without_a_worker(
    empty_pool: str, batch: BatchClient
) -> None:
    graph, instance = JobGraph(), Instance()
    graph.task("one", "/bin/true")
    made = operator(graph, empty_pool, execution_timeout=timedelta(seconds=1))
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, instance.context())
    assert deferred.value.trigger.serialize()[1]["deadline"] < time.time() + 1
    event = await fire(deferred.value)
    assert event["ending"] == "timeout"
    assert made.identity is not None
    job = batch.get_job(made.identity.job_id)
    assert job.state in ("terminating", "completed")
    assert job.execution_info is not None
    assert job.execution_info.termination_reason == "AirflowTimeout"
    with pytest.raises(
        BatchJobTimeoutError, match=r"within the 0:00:00\.9.* that execution_timeout leaves"
    ) as late:
        await asyncio.to_thread(made.resume, instance.context(), {**event, "reason": ""})
    assert "raise execution_timeout if" in str(late.value)


async def test_a_job_whose_end_nobody_saw_has_done_well_all_the_same(pool: str) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    instance = Instance()
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(operator(graph, pool).execute, instance.context())
    event = await fire(deferred.value)
    assert event["ending"] == "ended"
    late = {**event, "ending": "timeout"}  # as after an outage that has lasted beyond the deadline
    summary = await asyncio.to_thread(operator(graph, pool).resume, instance.context(), late)
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}


async def test_pain_155_a_deferred_task_that_is_killed_takes_its_job_with_it(
    empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    made = operator(graph, empty_pool)
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, Instance().context())
    row = deferred.value.trigger.serialize()[1]
    await AzureBatchJobTrigger(**json.loads(json.dumps(row))).on_kill()
    assert made.identity is not None
    assert batch.get_job(made.identity.job_id).state in ("terminating", "completed")


async def test_pain_165_a_job_that_ends_in_failure_is_an_end(pool: str) -> None:
    graph = JobGraph()
    graph.task("bad", shell("exit 2"))
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(operator(graph, pool).execute, Instance().context())
    event = await asyncio.wait_for(fire(deferred.value), 60)
    assert event["ending"] == "ended"


async def test_what_can_never_fit_is_not_retried(pool: str) -> None:
    graph = JobGraph()
    graph.task("wide", shell("true"), required_slots=100)
    with pytest.raises(BatchSpecError, match=r"'wide'.*100 slots") as caught:
        await complete(lambda: operator(graph, pool), Instance())
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("echo 1 > plan.json", r"(?s)build returned 'no graph'.*graph\.more"),
        ("echo no JSON > plan.json", r"(?s)result.*JSON"),
        ("true", r"left no 'plan\.json'"),
    ],
)
async def test_a_job_whose_further_tasks_cannot_be_made_is_ended(
    pool: str, batch: BatchClient, command: str, wrong: str
) -> None:
    graph = JobGraph()
    plan = graph.task("plan", shell(command), outputs=["plan.json"], result="plan.json")
    graph.expand(after=plan, build=lambda told: "no graph")
    instance = Instance()
    with pytest.raises(AirflowFailException, match=wrong):
        await complete(lambda: operator(graph, pool), instance)
    (job,) = [job for job in batch.list_jobs() if instance.run_id in job.id]
    assert job.state in ("terminating", "completed")


@pytest.mark.parametrize("deferrable", [True, False])
async def test_a_job_that_no_node_can_be_prepared_for_is_ended_with_what_was_printed(
    pool: str, batch: BatchClient, stats: Stats, deferrable: bool
) -> None:
    graph, instance = JobGraph(), Instance()
    graph.task("waits", shell("true"))
    bad = shell("echo no such disk >&2; exit 3")
    told = r"(?s)preparation task failed.*exit code 3.*no such disk"
    with pytest.raises(BatchJobFailedError, match=told) as caught:
        await complete(lambda: operator(graph, pool, preparation=bad, deferrable=deferrable), instance)
    assert [caught.value.layer] == stats.layers == ["node_start"]
    assert instance.pushed["failure"]["job_id"] == caught.value.job_id
    assert batch.get_job(caught.value.job_id).state in ("terminating", "completed")


@pytest.mark.parametrize("deferrable", [True, False])
async def test_a_timeout_tells_why_nothing_ran(batch: BatchClient, deferrable: bool) -> None:
    empty = make_pool(batch, nodes=0, slots=1)
    graph = JobGraph()
    graph.task("waits", shell("true"))
    options = {"timeout": timedelta(seconds=8), "deferrable": deferrable}
    with pytest.raises(BatchJobTimeoutError, match=r"(?s)timeout.*No task ran.*its target is 0.*resize"):
        await complete(lambda: operator(graph, empty, **options), Instance())
