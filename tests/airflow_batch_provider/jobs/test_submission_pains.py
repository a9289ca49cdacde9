"""Many tasks: what users of Batch services complained of, on a real emulator by the real SDK.

The number in a test's name is the line of the list of complaints.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.batch.aio import BatchClient as AsyncBatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider.client.jobs.submission import add_tasks
from airflow_batch_provider.client.jobs.watching import Watch, watch_job
from airflow_batch_provider.client.requests.drive import AT_ONCE, AsyncDriver, Driver
from airflow_batch_provider.client.requests.job_requests import get_job
from airflow_batch_provider.client.watching.streams import Follower
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.compile import compile_tasks
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.conftest import make_pool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Watched:
    """A client that notes its requests to add tasks: how many tasks each held, and how many at one time."""

    def __init__(self, client: BatchClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._underway = 0
        self.sizes: list[int] = []
        self.most = 0

    def create_task_collection(self, job_id: str, body: Any, **options: Any) -> Any:
        with self._lock:
            self.sizes.append(len(body["value"]))
            self._underway += 1
            self.most = max(self.most, self._underway)
        try:
            return self._client.create_task_collection(job_id, body, **options)
        finally:
            with self._lock:
                self._underway -= 1


@pytest.fixture
def watched(batch: BatchClient) -> Watched:
    return Watched(batch)


@pytest.fixture
def job_id(batch: BatchClient, empty_pool: str) -> str:
    job_id = f"many-{uuid.uuid4().hex[:8]}"
    body: Any = {"id": job_id, "poolInfo": {"poolId": empty_pool}, "usesTaskDependencies": True}
    batch.create_job(body)
    return job_id


def fanned_out(count: int, letters: int = 1) -> JobGraph:
    graph = JobGraph()
    graph.fan_out("task", range(count), lambda number: {"command": ["echo", "x" * letters, str(number)]})
    return graph


def submit(client: Any, job_id: str, graph: JobGraph) -> int | None:
    return Driver(client, lambda said: None).run(add_tasks(job_id, compile_tasks(graph, None)))


def ids_in(batch: BatchClient, job_id: str) -> list[str]:
    return [task.id for task in batch.list_tasks(job_id, select=["id"])]


def test_pain_176_280_tasks_take_three_requests(batch: BatchClient, watched: Watched, job_id: str) -> None:
    assert submit(watched, job_id, fanned_out(280)) == 280
    assert sorted(watched.sizes) == [80, 100, 100]
    assert len(ids_in(batch, job_id)) == 280


def test_pain_177_collections_are_sent_side_by_side(
    batch: BatchClient, watched: Watched, job_id: str
) -> None:
    assert submit(watched, job_id, fanned_out(2_050)) == 2_050
    assert len(watched.sizes) == 21
    assert watched.most == AT_ONCE
    # Whoever takes over after a crash adds what is missing, and nothing twice.
    assert submit(watched, job_id, fanned_out(2_060)) == 2_060
    assert len(ids_in(batch, job_id)) == 2_060


def test_pain_178_a_graph_of_11000_tasks_with_a_merge(
    batch: BatchClient, watched: Watched, job_id: str
) -> None:
    graph = JobGraph()
    parts = graph.fan_out("part", range(11_000), lambda number: {"command": ["echo", str(number)]})
    graph.task("merge", "echo all", depends_on=graph.barrier("all", parts))
    assert submit(watched, job_id, graph) == len(graph)
    assert len(watched.sizes) == -(-len(graph) // 100)
    waits_for = set(batch.get_task(job_id, "merge").depends_on.task_ids)
    while barriers := {each for each in waits_for if each.startswith("all")}:
        waits_for -= barriers
        for barrier in barriers:
            listed = batch.get_task(job_id, barrier).depends_on.task_ids
            assert len(",".join(listed)) < 64_000 + len(listed)
            waits_for |= set(listed)
    assert waits_for == {task.id for task in parts}
    assert len(ids_in(batch, job_id)) == len(graph) > 11_000


def test_pain_179_large_tasks_are_split_into_requests_that_the_service_takes(
    batch: BatchClient, watched: Watched, job_id: str
) -> None:
    assert submit(watched, job_id, fanned_out(60, letters=50_000)) == 60
    assert len(watched.sizes) == 4
    assert sum(watched.sizes) == len(ids_in(batch, job_id)) == 60


def test_pain_175_waiting_for_thousands_of_tasks_costs_what_waiting_for_a_dozen_does(
    batch: BatchClient, emulator: BatchAccount
) -> None:
    """Bytes that the service sends in a quarter of an hour, while four tasks run and the others wait."""
    costs = []
    for tasks in (12, 3_000):
        job_id = f"long-{uuid.uuid4().hex[:8]}"
        pool_info = {"poolId": make_pool(batch, nodes=1, slots=4)}
        batch.create_job({"id": job_id, "poolInfo": pool_info, "usesTaskDependencies": True})  # type: ignore[arg-type]
        graph = JobGraph()
        graph.fan_out("task", range(tasks), lambda number: {"command": "/bin/sleep 60", "keep_logs": False})
        submit(batch, job_id, graph)
        costs.append(cost_of_watching(emulator, job_id, tasks))
        batch.begin_terminate_job(job_id, {"terminateReason": "test"}, polling_interval=1).wait()
    assert 0 < costs[1] < costs[0] * 1.2


def cost_of_watching(emulator: BatchAccount, job_id: str, tasks: int) -> int:
    answers: list[int] = []

    def note(response: Any) -> None:
        answers.append(len(response.http_response.body()))

    credential = AzureNamedKeyCredential(emulator.name, emulator.key)
    with BatchClient(emulator.endpoint, credential, raw_response_hook=note) as client:  # type: ignore[arg-type]
        clock = [time.time()]
        driver = Driver(client, lambda said: None)

        def look(job_id: str) -> Any:
            clock[0] += 15
            return driver.run(get_job(job_id))

        watch = Watch(job_id, tasks, deadline=clock[0] + 900)
        script = watch_job(watch, Follower(job_id, True), lambda: clock[0])
        assert Driver(client, lambda said: None, look=look).run(script) == "timeout"
    return sum(answers)


def test_pain_182_an_array_is_a_fan_out_with_an_index_for_each_task(
    batch: BatchClient, watched: Watched, job_id: str
) -> None:
    graph = JobGraph()
    graph.fan_out("part", range(120), lambda index: {"command": "run", "environment": {"INDEX": str(index)}})
    submit(watched, job_id, graph)
    assert len(watched.sizes) == 2
    (index,) = batch.get_task(job_id, "part-0119").environment_settings
    assert (index.name, index.value) == ("INDEX", "119")


async def test_an_asynchronous_client_submits_the_same_in_as_few_requests(
    batch: BatchClient, emulator: BatchAccount, job_id: str
) -> None:
    credential = AzureNamedKeyCredential(emulator.name, emulator.key)
    async with AsyncBatchClient(emulator.endpoint, credential) as client:  # type: ignore[arg-type]
        driver = AsyncDriver(client, lambda said: None)
        assert await driver.run(add_tasks(job_id, compile_tasks(fanned_out(1_234), None))) == 1_234
    assert len(ids_in(batch, job_id)) == 1_234
