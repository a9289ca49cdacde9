"""What a task costs, and what it costs to ask for tasks, in a small job and in a large one.

Dependencies are measured on the rules alone, with the records that the journal would store: nodes answer at
once. Lists, counts and memory are measured on a running emulator.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
from azure.batch import models

from batch_emulator.service import Account, BatchService, Quotas
from batch_emulator.service.effects import BootNode, Effect, StartRun
from batch_emulator.service.events import NodeBooted, RunEnded
from benchmarks.emulator import Emulator, make_pool, running
from benchmarks.table import Row

SMALL, LARGE = 1_000, 100_000
NODES, SLOTS_PER_NODE = 4, 4
ROUNDS = 5
PAGE = 100
BULK = 100
_POOL = {
    "id": "p",
    "vmSize": "standard_d2s_v3",
    "targetDedicatedNodes": NODES,
    "taskSlotsPerNode": SLOTS_PER_NODE,
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
    },
}


def rows() -> list[Row]:
    """Large against small: cost per task, of a page, of counts; memory per task against its limit."""
    small = statistics.median(_cost_per_task(SMALL) for _ in range(ROUNDS))
    large = _cost_per_task(LARGE)
    name = "task with dependencies, rules and records, CPU"
    return [
        Row(name, large * 1e6, "us/task", f"the same in a job of {SMALL}", small * 1e6, at_most=1.2),
        *_of_lists(),
    ]


def _cost_per_task(count: int) -> float:
    """CPU seconds per task, from addition to completion: ten layers, and one task that waits for all."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    service = BatchService(Account("bench", quotas=Quotas(dedicated_cores=1000)))
    service.create_pool(_POOL, now)
    for boot in _effects(service, now, BootNode):
        service.handle(NodeBooted(boot.pool_id, boot.node_id, boot.boot_id, "10.0.0.4"), now)
    service.create_job({"id": "j", "poolInfo": {"poolId": "p"}, "usesTaskDependencies": True}, now)
    bodies = list(_layers(count))
    begin = time.process_time()
    waiting: list[Any] = []
    for first in range(0, count, BULK):
        service.add_tasks("j", bodies[first : first + BULK], now)
        waiting += _effects(service, now, StartRun)
    while waiting:
        now += timedelta(milliseconds=1)
        ended, waiting = waiting[: NODES * SLOTS_PER_NODE], waiting[NODES * SLOTS_PER_NODE :]
        for run in ended:
            service.handle(RunEnded(run.run_id, now, 0), now)
        waiting += _effects(service, now, StartRun)
    spent = time.process_time() - begin
    assert service.task("j", str(count - 1)).state == "completed"
    return spent / count


def _layers(count: int) -> Iterator[dict[str, Any]]:
    width = count // 10
    for number in range(count - 1):
        body: dict[str, Any] = {"id": str(number), "commandLine": "/bin/true"}
        if number >= width:
            body["dependsOn"] = {"taskIds": [str(number - width)]}
        yield body
    merge = {"taskIdRanges": [{"start": 0, "end": count - 2}]}
    yield {"id": str(count - 1), "commandLine": "/bin/true", "dependsOn": merge}


def _effects(service: BatchService, now: datetime, kind: type[Effect]) -> list[Any]:
    step = service.settle(now)
    for change in step.changes:
        orjson.dumps(change.record)
    return [effect for effect in step.effects if isinstance(effect, kind)]


def _of_lists() -> list[Row]:
    with running() as emulator:
        make_pool(emulator.client, "p", 0, 1)
        _fill(emulator, "small", SMALL)
        small = _cost_of_asking(emulator, "small")
        before = emulator.memory()
        _fill(emulator, "large", LARGE)
        memory = (emulator.memory() - before) / LARGE
        large = _cost_of_asking(emulator, "large")
    peer = f"the same in a job of {SMALL}"
    titles = (f"page of {PAGE} tasks, job of {LARGE}, server CPU", f"task counts, job of {LARGE}, server CPU")
    return [
        *(
            Row(title, of_large * 1e3, "ms", peer, of_small * 1e3, at_most=1.2)
            for title, of_large, of_small in zip(titles, large, small, strict=True)
        ),
        Row(f"memory per idle task, job of {LARGE}", memory, "B", "limit", 3000.0, at_most=1.0),
    ]


def _fill(emulator: Emulator, job_id: str, count: int) -> None:
    client = emulator.client
    client.create_job(models.BatchJobCreateOptions(id=job_id, pool_info=models.BatchPoolInfo(pool_id="p")))
    for first in range(0, count, 5000):
        numbers = range(first, min(first + 5000, count))
        client.create_tasks(
            job_id, [models.BatchTaskCreateOptions(id=f"t{n:06}", command_line="/bin/true") for n in numbers]
        )


def _cost_of_asking(emulator: Emulator, job_id: str, calls: int = 100) -> tuple[float, float]:
    """CPU seconds of the server for one page in the middle of the list, and for the counts."""
    middle = f"id ge 't{SMALL // 2:06}'"
    ask_page = lambda: next(  # noqa: E731
        emulator.client.list_tasks(job_id, max_results=PAGE, filter=middle).by_page()
    )
    ask_counts = lambda: emulator.client.get_job_task_counts(job_id)  # noqa: E731
    costs = []
    for ask in (ask_page, ask_counts):
        ask()
        begin = emulator.usage().server
        for _ in range(calls):
            ask()
        costs.append((emulator.usage().server - begin) / calls)
    return costs[0], costs[1]
