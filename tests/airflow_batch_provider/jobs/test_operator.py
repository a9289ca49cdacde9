"""The operator and its trigger, with a real connection to a real emulator."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError, BatchSpecError
from airflow_batch_provider.links.job import JOB_LINK_KEY
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import AutoPool, JobGraph, SpecError, shell
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException, TaskDeferred
from tests.airflow_batch_provider.conftest import Stats, make_pool

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch, emulator: BatchAccount, azurite: StorageAccount) -> None:
    extra = {"storage_connection_string": azurite.connection_string}
    fields = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(fields))


class Instance:
    """A task instance as far as operators look at it."""

    def __init__(self, run_id: str | None = None, max_tries: int = 0) -> None:
        self.dag_id, self.task_id, self.map_index = "tests", "job", -1
        self.run_id = run_id or uuid.uuid4().hex
        self.max_tries = max_tries
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def context(self, **values: Any) -> Any:
        return {"ti": self, "run_id": self.run_id, **values}


def operator(graph: Any, pool_id: str | AutoPool, **options: Any) -> AzureBatchJobOperator:
    return AzureBatchJobOperator(task_id="job", pool_id=pool_id, graph=graph, poll_interval=0.3, **options)


async def fire(deferred: TaskDeferred) -> Any:
    """What a triggerer does: make the trigger from its serialized form, and wait for its event."""
    assert deferred.method_name == "resume"
    assert not deferred.kwargs
    path, kwargs = deferred.trigger.serialize()
    assert path == "airflow_batch_provider.triggers.job.AzureBatchJobTrigger"
    trigger = AzureBatchJobTrigger(**json.loads(json.dumps(kwargs)))
    async for event in trigger.run():
        return json.loads(json.dumps(event.payload))
    raise AssertionError("no event")


async def complete(make: Callable[[], AzureBatchJobOperator], instance: Instance, **context: Any) -> Any:
    """A deferrable task from start to end: every part in a new operator, as in a new process."""
    step: Callable[[], Any] = lambda: make().execute(instance.context(**context))  # noqa: E731
    for _ in range(6):
        try:
            return await asyncio.to_thread(step)
        except TaskDeferred as deferred:
            event = await fire(deferred)
        step = lambda event=event: make().resume(instance.context(**context), event)  # noqa: E731
    raise AssertionError("deferred too often")


def growing_graph(word: str = "x") -> JobGraph:
    graph = JobGraph()
    plan = graph.task(
        "plan", shell(f"echo '{{\"n\": 2, \"w\": \"{word}\"}}' > plan.json"), outputs=["plan.json"],
        result="plan.json",
    )  # fmt: skip

    def build(told: dict[str, Any]) -> JobGraph:
        more = graph.more()
        parts = more.fan_out("part", range(told["n"]), lambda i: dict(command=shell(f"echo part {i}")))
        plan >> parts
        return more

    graph.expand(after=plan, build=build)
    return graph


async def test_a_deferred_job_grows_runs_to_its_end_and_gives_its_results(
    pool: str,
) -> None:
    instance = Instance()
    made = await complete(lambda: operator(growing_graph, pool, graph_kwargs={"word": "ignored"}), instance)
    assert made["tasks"] == {"total": 3, "succeeded": 3, "failed": 0}
    assert made["results"] == {"plan": {"n": 2, "w": "ignored"}}
    assert made["work"].startswith("batch-work/tests-job-")
    link = instance.pushed[JOB_LINK_KEY]
    assert made["job_id"] in link
    assert "sig=" not in json.dumps(made) + link


async def test_jinja_in_a_graph_is_rendered_also_in_what_is_added_later(
    pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task(
        "hello",
        shell('echo \'{"run": "{{ run_id }}"}\' > out.json'),
        outputs=["out.json"],
        result="out.json",
        environment={"DIGITS": "007", "RUN": "{{ run_id }}"},
    )
    instance = Instance()
    made = await complete(lambda: operator(graph, pool), instance)
    assert made["results"] == {"hello": {"run": instance.run_id}}
    environment = batch.get_task(made["job_id"], "hello").environment_settings
    assert {item.name: item.value for item in environment} == {"DIGITS": "007", "RUN": instance.run_id}


async def test_many_triggers_of_an_account_share_one_poll(
    pool: str, batch: BatchClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_batch_provider.client.watching.polls import JobsPoll

    asked: list[int] = []
    look = JobsPoll.look

    def counted(poll: JobsPoll, ids: Any) -> Any:
        asked.append(len(ids))
        return look(poll, ids)

    monkeypatch.setattr(JobsPoll, "look", counted)
    graph = JobGraph()
    graph.task("one", shell("sleep 1"))
    instances = [Instance() for _ in range(6)]
    made = await asyncio.gather(
        *(complete(lambda: operator(graph, pool, log_tasks=False), each) for each in instances)
    )
    assert len({each["job_id"] for each in made}) == 6
    assert max(asked) > 1
    assert sum(asked) > len(asked)


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


async def test_a_cleared_task_submits_a_new_job_and_a_retry_of_a_failed_one_the_next(
    empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    run_id = uuid.uuid4().hex
    seen = []
    for max_tries in (1, 1, 2):
        instance = Instance(run_id, max_tries)
        with pytest.raises(TaskDeferred) as deferred:
            await asyncio.to_thread(operator(graph, empty_pool).execute, instance.context())
        seen.append(deferred.value.trigger.serialize()[1]["job_id"])
    assert seen[0] == seen[1]
    assert seen[2] != seen[0]
    for job_id in set(seen):
        batch.begin_terminate_job(job_id, {"terminateReason": "test"}, polling_interval=1).wait()


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


async def test_the_timeout_ends_the_job(empty_pool: str, batch: BatchClient, stats: Stats) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    make = lambda: operator(graph, empty_pool, timeout=timedelta(seconds=1))  # noqa: E731
    instance = Instance()
    with pytest.raises(BatchJobTimeoutError, match="within the operator's timeout"):
        await complete(make, instance)
    assert stats.layers == ["wall_clock"]


async def test_pain_164_at_the_deadline_a_triggerer_ends_the_job_without_a_worker(
    empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("one", "/bin/true")
    made = operator(graph, empty_pool, execution_timeout=timedelta(seconds=1))
    with pytest.raises(TaskDeferred) as deferred:
        await asyncio.to_thread(made.execute, Instance().context())
    assert deferred.value.trigger.serialize()[1]["deadline"] < time.time() + 1
    event = await fire(deferred.value)
    assert event["ending"] == "timeout"
    assert made.identity is not None
    job = batch.get_job(made.identity.job_id)
    assert job.state in ("terminating", "completed")
    assert job.execution_info is not None
    assert job.execution_info.termination_reason == "AirflowTimeout"


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


async def test_waiting_in_the_worker_does_the_same(pool: str) -> None:
    made = await asyncio.to_thread(
        operator(growing_graph, pool, deferrable=False).execute, Instance().context()
    )
    assert made["tasks"] == {"total": 3, "succeeded": 3, "failed": 0}


def test_mistakes_are_errors_when_the_dag_is_parsed(pool: str) -> None:
    graph = JobGraph()
    one, two = graph.task("one", "/bin/true"), graph.task("two", "/bin/true")
    one >> two >> one
    with pytest.raises(SpecError, match="one -> two -> one"):
        operator(graph, pool)
    with pytest.raises(SpecError, match="It is a JobGraph or a function"):
        operator(SimpleNamespace(), pool)
    good = JobGraph()
    good.task("one", "/bin/true")
    with pytest.raises(SpecError, match="Did you mean 'continue'"):
        operator(good, pool, on_task_failure="continu")
    with pytest.raises(SpecError, match="Leave them out"):
        operator(good, pool, graph_kwargs={"a": 1})


@pytest.fixture
def official_connection(monkeypatch: pytest.MonkeyPatch, emulator: BatchAccount) -> None:
    """As the official provider lays it out: it has no field for storage."""
    fields = {
        "conn_type": "azure_batch",
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"account_url": emulator.endpoint},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(fields))


@pytest.mark.usefixtures("official_connection")
async def test_a_connection_of_the_official_type_runs_a_graph_without_files(pool: str) -> None:
    graph = JobGraph()
    graph.task("greet", shell("echo hello")) >> graph.task("answer", shell("echo 42"))
    made = await complete(lambda: operator(graph, pool), Instance())
    assert made["tasks"] == {"total": 2, "succeeded": 2, "failed": 0}
    assert (made["work"], made["outputs"], made["results"]) == (None, [], {})


@pytest.mark.usefixtures("official_connection")
async def test_without_storage_a_failure_is_explained_with_the_stream_on_the_node(pool: str) -> None:
    graph = JobGraph()
    graph.task("breaks", shell("echo no disk >&2; exit 3"))
    with pytest.raises(BatchJobFailedError, match=r"(?s)exit code 3.*no disk"):
        await complete(lambda: operator(graph, pool), Instance())


@pytest.mark.usefixtures("official_connection")
def test_without_storage_a_graph_with_files_is_refused_before_anything_is_submitted(pool: str) -> None:
    graph = JobGraph()
    graph.task("plain", shell("true"))
    graph.task("keeps", shell("date > day.txt"), outputs=["day.txt"])
    instance = Instance()
    with pytest.raises(SpecError, match=r"(?s)keeps.*day\.txt.*no storage account.*storage_conn_id"):
        operator(graph, pool).execute(instance.context())
    assert JOB_LINK_KEY not in instance.pushed


@pytest.mark.usefixtures("official_connection")
def test_storage_that_is_taken_away_while_a_job_waits_to_grow_is_told(pool: str) -> None:
    """Without its result the job could never grow, and the task would look at it again and again."""
    event = {"submission": 1, "ending": "expand", "deadline": time.time() + 60, "seen": {}}
    with pytest.raises(SpecError, match=r"plan\.json.*no storage account"):
        operator(growing_graph(), pool).resume(Instance().context(), event)


async def test_what_can_never_fit_is_not_retried(pool: str) -> None:
    graph = JobGraph()
    graph.task("wide", shell("true"), required_slots=100)
    with pytest.raises(BatchSpecError, match=r"'wide'.*100 slots") as caught:
        await complete(lambda: operator(graph, pool), Instance())
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ("1", r"(?s)build returned 'no graph'.*graph\.more"),
        ("no JSON", r"(?s)result.*JSON"),
    ],
)
async def test_a_job_whose_further_tasks_cannot_be_made_is_ended(
    pool: str, batch: BatchClient, told: str, wrong: str
) -> None:
    graph = JobGraph()
    plan = graph.task("plan", shell(f"echo {told} > plan.json"), outputs=["plan.json"], result="plan.json")
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
