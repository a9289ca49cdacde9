"""What it takes to submit ten thousand tasks: requests, and time beside the SDK's ways to do it.

All ways send the same tasks to the same emulator, in turn, so that a drift of the machine's speed meets all
alike. One call per task is measured on fewer tasks and scaled.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.batch import BatchClient, models
from azure.batch.aio import BatchClient as AsyncBatchClient

from airflow_batch_provider.client.connect.wire_log import quiet_wire_log
from airflow_batch_provider.client.jobs.submission import add_tasks
from airflow_batch_provider.client.requests.drive import AT_ONCE, AsyncDriver, Driver
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.compile import compile_tasks
from airflow_batch_provider.spec.limits import TASKS_PER_REQUEST
from benchmarks.emulator import Emulator, running
from benchmarks.table import Row

TASKS = 10_000
SINGLE = 400
ROUNDS = 3


def rows() -> list[Row]:
    """Requests against the least that the service allows; wall time against the SDK's ways."""
    quiet_wire_log()
    with running() as emulator:
        ways = Ways(emulator)
        times: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for name, way in ways.all().items():
                times.setdefault(name, []).append(ways.time(f"{name}-{number}", way))
        requests = ways.count_requests()
    median = {name: statistics.median(taken) for name, taken in times.items()}
    title = f"submit {TASKS} tasks"
    single = f"one call per task, {SINGLE} scaled"
    least = TASKS / TASKS_PER_REQUEST
    return [
        Row(f"{title}, requests", requests, "", "the least that the service allows", least, at_most=1.0),
        Row(title, median["ours"], "s", "SDK create_tasks", median["bulk"], at_most=1.0),
        Row(title, median["ours"], "s", f"the same with {AT_ONCE} threads", median["threads"], at_most=1.0),
        Row(title, median["ours"], "s", single, median["single"] * TASKS / SINGLE, at_most=0.1),
        Row(f"{title}, asynchronously", median["async"], "s", "the same in threads", median["ours"]),
    ]


@dataclass
class Ways:
    """Ways to put tasks into a job of an emulator."""

    emulator: Emulator

    def all(self) -> dict[str, Callable[[str], None]]:
        """Each by its name; a way takes the id of a job."""
        return {
            "ours": self._ours,
            "async": self._asynchronously,
            "bulk": lambda job_id: self._create_tasks(job_id, None),
            "threads": lambda job_id: self._create_tasks(job_id, AT_ONCE),
            "single": self._one_by_one,
        }

    def time(self, job_id: str, way: Callable[[str], None]) -> float:
        """Seconds that a way takes for a new job."""
        pool = models.BatchPoolInfo(pool_id="none")
        self.client.create_job(models.BatchJobCreateOptions(id=job_id, pool_info=pool))
        begin = time.perf_counter()
        way(job_id)
        return time.perf_counter() - begin

    def count_requests(self) -> int:
        """Requests that ours takes."""
        counting = _Counting(self.client)
        self.time("counted", lambda job_id: self._with(counting, job_id))
        return counting.requests

    @property
    def client(self) -> BatchClient:
        """The official client."""
        return self.emulator.client

    def _ours(self, job_id: str) -> None:
        self._with(self.client, job_id)

    def _with(self, client: Any, job_id: str) -> None:
        added = Driver(client, lambda said: None).run(add_tasks(job_id, compile_tasks(_graph(), None)))
        assert added == TASKS

    def _asynchronously(self, job_id: str) -> None:
        asyncio.run(self._in_loop(job_id))

    async def _in_loop(self, job_id: str) -> None:
        config = self.client._config
        async with AsyncBatchClient(config.endpoint, config.credential) as client:
            script = add_tasks(job_id, compile_tasks(_graph(), None))
            assert await AsyncDriver(client, lambda said: None).run(script) == TASKS

    def _create_tasks(self, job_id: str, threads: int | None) -> None:
        tasks = [models.BatchTaskCreateOptions(wire) for wire in compile_tasks(_graph(), None)]
        self.client.create_tasks(job_id, tasks, max_concurrency=threads)

    def _one_by_one(self, job_id: str) -> None:
        for wire in compile_tasks(_graph(SINGLE), None):
            self.client.create_task(job_id, models.BatchTaskCreateOptions(wire))


class _Counting:
    """A client that counts its requests to add tasks."""

    def __init__(self, client: BatchClient) -> None:
        self._client = client
        self.requests = 0

    def create_task_collection(self, *arguments: Any, **options: Any) -> Any:
        self.requests += 1
        return self._client.create_task_collection(*arguments, **options)


def _graph(count: int = TASKS) -> JobGraph:
    graph = JobGraph()
    graph.fan_out("task", range(count), lambda number: {"command": ["/bin/echo", str(number)]})
    return graph
