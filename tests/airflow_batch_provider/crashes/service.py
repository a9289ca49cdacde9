"""Azure Batch in this process: the emulator's protocol and rules behind a real port; tasks end at once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from aiohttp import web
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from batch_emulator.faults.requests import RequestFaults
from batch_emulator.rest.app import build_app
from batch_emulator.service.effects import Effect, StartRun
from batch_emulator.service.events import RunEnded
from batch_emulator.service.service import BatchService
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW, InstantBackend

T = TypeVar("T")
ACCOUNT = "acct"
POOL = "pool"
LATE = 6
"""Requests after which a task whose command is ``late`` ends."""


def _exit_code(run: StartRun) -> int:
    return int(run.spec["commandLine"])


class CountingBackend(InstantBackend):
    """Counts how often each task was started.

    Commands are exit codes; ``late`` ends with 0 some requests later; ``first:3`` ends with 3 in the first
    submission of a task instance and with 0 in others; ``once:3`` ends with 3 at the task's first start and
    with 0 at others. All else is left to ``program``, which is given the task and gives its exit code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.starts: Counter[tuple[str, str]] = Counter()
        self.program = _exit_code
        self._running: dict[str, int] = {}

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        await self._pass()
        return await super().execute(command)

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        await self._pass()
        return await super().read(query)

    async def _pass(self) -> None:
        for run_id in list(self._running):
            self._running[run_id] -= 1
            if not self._running[run_id]:
                del self._running[run_id]
                ended = RunEnded(run_id, NOW, exit_code=0)
                await super().execute(lambda service, now, ended=ended: service.handle(ended, now))

    def _carry_out(self, effect: Effect) -> None:
        if not isinstance(effect, StartRun):
            return super()._carry_out(effect)
        assert effect.job_id is not None
        task = effect.job_id, effect.task_root.rpartition("/")[2]
        self.starts[task] += 1
        kind, _, code = str(effect.spec["commandLine"]).partition(":")
        if kind == "late":
            self._running[effect.run_id] = LATE
            return None
        if kind == "first":
            exit_code = int(code) if effect.job_id.endswith("-1") else 0
        elif kind == "once":
            exit_code = int(code) if self.starts[task] == 1 else 0
        else:
            exit_code = self.program(effect)
        self.service.handle(RunEnded(effect.run_id, NOW, exit_code=exit_code), NOW)
        return None


class CountingFaults(RequestFaults):
    """Counts what the service has carried out, whether its client heard of it or not."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()

    async def around(self, operation: str, answer: Callable[[], Awaitable[T]]) -> T:
        async def counted() -> T:
            made = await answer()
            self.done[operation] += 1
            return made

        return await super().around(operation, counted)


class Service:
    """The service, its faults, and a client that nothing happens to."""

    def __init__(self, endpoint: str, backend: CountingBackend, faults: CountingFaults) -> None:
        self.endpoint, self.backend, self.faults = endpoint, backend, faults
        self.client = self.open()

    def open(self) -> BatchClient:
        return BatchClient(self.endpoint, AzureNamedKeyCredential(ACCOUNT, CREDENTIALS.primary_key))

    @property
    def done(self) -> Counter[str]:
        """How often each operation was carried out."""
        return self.faults.done

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """For what belongs to no play."""
        dice, self.faults.dice = self.faults.dice, ()
        yield
        self.faults.dice = dice

    def starts_in(self, job_id: str) -> dict[str, int]:
        """How often each task of a job was started."""
        return {task: times for (job, task), times in self.backend.starts.items() if job == job_id}

    def of_run(self, run_id: str) -> set[str]:
        """Ids of the jobs of a DAG run."""
        jobs = self.client.list_jobs(select=["id", "metadata"])
        marks = {str(job.id): [(item.name, item.value) for item in job.metadata or ()] for job in jobs}
        return {job_id for job_id, held in marks.items() if ("airflow-run", run_id) in held}

    def tasks_of(self, prefix: str) -> dict[str, list[str]]:
        """The jobs whose ids begin so, and their tasks."""
        jobs = self.client.list_jobs(filter=f"startswith(id,'{prefix}')", select=["id"])
        return {
            job.id: sorted(task.id for task in self.client.list_tasks(job.id, select=["id"])) for job in jobs
        }


@contextmanager
def serving() -> Iterator[Service]:
    """A service on a port of its own, in a thread of its own, with a pool that has a node."""
    backend, faults = CountingBackend(), CountingFaults()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(build_app(backend, CREDENTIALS, interference=faults))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        service = Service(f"http://127.0.0.1:{port}", backend, faults)
        image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
        pool = {
            "id": POOL,
            "vmSize": "standard_d4s_v3",
            "virtualMachineConfiguration": {
                "imageReference": image,
                "nodeAgentSKUId": "batch.node.ubuntu 22.04",
            },
            "targetLowPriorityNodes": 1,
            "taskSlotsPerNode": 8,
        }
        service.client.create_pool(pool)  # type: ignore[arg-type]  # the client takes the wire form as well
        yield service
        service.client.close()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
