"""The operator and its trigger, with a real connection to a real emulator."""

from __future__ import annotations

import asyncio
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.links.job import JOB_LINK_KEY
from airflow_batch_provider.spec import JobGraph, SpecError, shell
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.jobs.operator_run import Instance, complete, growing_graph, operator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("connection")]


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
