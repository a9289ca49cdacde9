"""kill -9 again and again, whenever: whatever was acknowledged before is so afterwards, and work goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.batch import models
from azure.batch.aio import BatchClient
from azure.core.exceptions import AzureError, ResourceExistsError

from batch_emulator.nodes.agent.process_tree import processes_with_environment
from tests.batch_emulator.nodes.waiting import until
from tests.batch_emulator.runtime.served import Served, a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("BATCH_EMULATOR_CRASHES", "5"))
SEED = int(os.environ.get("BATCH_EMULATOR_FIRST_SEED", "0"))
LANES = 3


@dataclass
class Lane:
    """A client that works on a job of its own, and what it was told.

    :param there: ids of tasks that were added, and not deleted.
    :param gone: of tasks that were deleted.
    :param ended: of endless tasks that were terminated: nothing else can have completed them.
    :param unsure: of tasks of which a request was under way when the emulator died.
    :param marks: what the job's metadata may be.
    """

    name: str
    rng: random.Random
    there: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    marks: list[str] = field(default_factory=lambda: ["0"])
    number: int = 0
    acknowledged: int = 0

    async def work(self, client: BatchClient) -> None:
        """Send one request after another, until the emulator dies."""
        while True:
            await self.rng.choice([self.add, self.add, self.add_some, self.remove, self.end, self.mark])(
                client
            )
            self.acknowledged += 1

    def _new_ids(self, kind: str, count: int) -> list[str]:
        self.number += count
        ids = [f"{kind}-{self.number - place}" for place in range(count)]
        self.unsure.update(ids)
        return ids

    async def add(self, client: BatchClient) -> None:
        kind, script = self.rng.choice([("quick", "exit 0"), ("endless", "sleep 600")])
        [task_id] = self._new_ids(kind, 1)
        await client.create_task(self.name, a_task(task_id, script), retry_total=0)
        self.there.add(task_id)
        self.unsure.discard(task_id)

    async def add_some(self, client: BatchClient) -> None:
        ids = self._new_ids("quick", 5)
        group = models.BatchTaskGroup(task_values=[a_task(task_id, "exit 0") for task_id in ids])
        answer = await client.create_task_collection(self.name, group, retry_total=0)
        assert {item.status for item in answer.result_values} == {"success"}
        self.there.update(ids)
        self.unsure.difference_update(ids)

    async def remove(self, client: BatchClient) -> None:
        if not self.there:
            return
        task_id = self.rng.choice(sorted(self.there))
        self.there.discard(task_id)
        self.ended.discard(task_id)
        self.unsure.add(task_id)
        await client.delete_task(self.name, task_id, retry_total=0)
        self.gone.add(task_id)
        self.unsure.discard(task_id)

    async def end(self, client: BatchClient) -> None:
        endless = sorted(name for name in self.there - self.ended if name.startswith("endless"))
        if endless:
            task_id = self.rng.choice(endless)
            await client.terminate_task(self.name, task_id, retry_total=0)
            self.ended.add(task_id)

    async def mark(self, client: BatchClient) -> None:
        value = str(int(self.marks[-1]) + 1)
        self.marks.append(value)
        metadata = [models.BatchMetadataItem(name="mark", value=value)]
        await client.update_job(self.name, models.BatchJobUpdateOptions(metadata=metadata), retry_total=0)
        self.marks = [value]

    async def check(self, client: BatchClient) -> None:
        """What was acknowledged is so."""
        found = {task.id: task async for task in client.list_tasks(self.name)}
        assert self.there <= found.keys(), f"lost: {self.there - found.keys()}"
        assert not self.gone & found.keys(), f"back again: {self.gone & found.keys()}"
        assert found.keys() <= self.there | self.unsure
        job = await client.get_job(self.name)
        mark = job.metadata[0].value if job.metadata else "0"
        assert mark in self.marks
        self.marks = [mark]
        self.there, self.unsure = set(found), set()
        for task_id in self.ended & found.keys():
            task = await eventually(
                lambda task_id=task_id: client.get_task(self.name, task_id),
                lambda task: task.state == "completed",
            )
            assert task.execution_info.result == "failure"


async def _live_and_die(emulator: Served, lanes: list[Lane], requests: int) -> None:
    """Let the lanes work until so many requests were acknowledged; then kill the emulator."""
    before = sum(lane.acknowledged for lane in lanes)
    async with emulator.client() as client:
        working = [asyncio.create_task(lane.work(client)) for lane in lanes]
        await until(
            lambda: (
                sum(lane.acknowledged for lane in lanes) - before >= requests
                or any(task.done() for task in working)
            )
        )
        await emulator.kill()
        ends: list[Any] = await asyncio.gather(*working, return_exceptions=True)
    for end in ends:
        if not isinstance(end, AzureError):
            raise end


async def test_whatever_was_acknowledged_survives_kills_at_any_time(tmp_path: Path) -> None:
    """BATCH_EMULATOR_CRASHES says how many, BATCH_EMULATOR_FIRST_SEED which requests are sent meanwhile."""
    rng = random.Random(SEED)
    lanes = [Lane(f"job{number}", random.Random(f"{SEED}/{number}")) for number in range(LANES)]
    async with served(tmp_path) as emulator:
        async with emulator.client() as client:
            await client.create_pool(a_pool("pool", 2, task_slots_per_node=4))
            for lane in lanes:
                await client.create_job(a_job(lane.name, "pool"))
        await _live_and_die(emulator, lanes, rng.randint(5, 60))
    for _ in range(ROUNDS - 1):
        async with served(tmp_path) as emulator:
            if rng.random() < 0.5:
                async with emulator.client() as client:
                    await asyncio.gather(*(lane.check(client) for lane in lanes))
            await _live_and_die(emulator, lanes, rng.choice([0, 1, rng.randint(2, 80)]))
    async with served(tmp_path) as emulator, emulator.client() as client:
        await asyncio.gather(*(lane.check(client) for lane in lanes))
        for lane in lanes:
            quick = {task_id for task_id in lane.there if task_id.startswith("quick")}
            await _all_complete(client, lane.name, quick)
            counts = (await client.get_job_task_counts(lane.name)).task_counts
            assert counts.active + counts.running + counts.completed == len(lane.there)
    await until(
        lambda: not processes_with_environment("AZ_BATCH_NODE_ROOT_DIR", str(tmp_path)),
        "the end of all processes",
    )


async def _all_complete(client: BatchClient, job_id: str, task_ids: set[str]) -> None:
    async def completed() -> set[str]:
        """Those that are; endless tasks, which may hold all slots, are ended meanwhile."""
        found = [task async for task in client.list_tasks(job_id)]
        for task in found:
            if task.state == "running" and task.id.startswith("endless"):
                with contextlib.suppress(ResourceExistsError):  # it has completed meanwhile
                    await client.terminate_task(job_id, task.id)
        return {task.id for task in found if task.state == "completed"}

    await eventually(completed, lambda found: task_ids <= found)
