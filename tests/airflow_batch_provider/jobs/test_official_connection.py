"""The job operator with a connection of the official type, which knows no storage."""

from __future__ import annotations

import json
import time

import pytest

from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.links.job import JOB_LINK_KEY
from airflow_batch_provider.spec import JobGraph, SpecError, shell
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.jobs.operator_run import Instance, complete, growing_graph, operator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("official_connection")]


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


async def test_a_connection_of_the_official_type_runs_a_graph_without_files(pool: str) -> None:
    graph = JobGraph()
    graph.task("greet", shell("echo hello")) >> graph.task("answer", shell("echo 42"))
    made = await complete(lambda: operator(graph, pool), Instance())
    assert made["tasks"] == {"total": 2, "succeeded": 2, "failed": 0}
    assert (made["work"], made["outputs"], made["results"]) == (None, [], {})


async def test_without_storage_a_failure_is_explained_with_the_stream_on_the_node(pool: str) -> None:
    graph = JobGraph()
    graph.task("breaks", shell("echo no disk >&2; exit 3"))
    with pytest.raises(BatchJobFailedError, match=r"(?s)exit code 3.*no disk"):
        await complete(lambda: operator(graph, pool), Instance())


def test_without_storage_a_graph_with_files_is_refused_before_anything_is_submitted(pool: str) -> None:
    graph = JobGraph()
    graph.task("plain", shell("true"))
    graph.task("keeps", shell("date > day.txt"), outputs=["day.txt"])
    instance = Instance()
    with pytest.raises(SpecError, match=r"(?s)keeps.*day\.txt.*no storage account.*storage_conn_id"):
        operator(graph, pool).execute(instance.context())
    assert JOB_LINK_KEY not in instance.pushed


def test_storage_that_is_taken_away_while_a_job_waits_to_grow_is_told(pool: str) -> None:
    """Without its result the job could never grow, and the task would look at it again and again."""
    event = {"submission": 1, "ending": "expand", "deadline": time.time() + 60, "seen": {}}
    with pytest.raises(SpecError, match=r"plan\.json.*no storage account"):
        operator(growing_graph(), pool).resume(Instance().context(), event)
