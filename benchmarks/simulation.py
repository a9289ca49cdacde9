"""Virtual time: completions a second, and how they compare with a bare queue of as many events.

The bare queue is what a simulation of nothing costs here: it appoints an end for each task on one of as many
nodes, by chance, and takes the ends in their order.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from batch_emulator.simulation import Behaviour, LogNormal, Simulation, Uniform
from benchmarks.table import Row

TASKS, NODES = 100_000, 2_000
SMALL = 5_000
AIM = 100_000
_POOL: dict[str, Any] = {
    "id": "p",
    "vmSize": "standard_d2s_v3",
    "targetDedicatedNodes": NODES,
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
    },
}
_SPAN = LogNormal(60, 0.5)


def rows() -> list[Row]:
    """Completions a second of CPU time, against the aim, a bare queue and a small job."""
    large, small, bare = _rate(TASKS), _rate(SMALL), _bare_rate(TASKS)
    name = f"virtual time, {TASKS} tasks on {NODES} nodes"
    return [
        Row(name, large, "tasks/s", "the aim", AIM, at_least=1.0),
        Row(name, large, "tasks/s", "a bare queue of as many ends", bare),
        Row(name, large, "tasks/s", f"the same with {SMALL} tasks", small, at_least=0.8),
    ]


def _rate(tasks: int) -> float:
    simulation = Simulation(Behaviour(boot=Uniform(30, 120), run=_SPAN), seed=1)
    simulation.create_pool(_POOL)
    simulation.create_job({"id": "j", "poolInfo": {"poolId": "p"}})
    simulation.add_tasks("j", _tasks(tasks))
    began = time.process_time()
    result = simulation.run_until_done()
    seconds = time.process_time() - began
    if not result.finished or result.tasks["succeeded"] != tasks:
        raise RuntimeError(f"the simulation did not end: {result.tasks}")
    return tasks / seconds


def _tasks(count: int) -> Iterator[dict[str, Any]]:
    return ({"id": f"t{number}", "commandLine": "work"} for number in range(count))


def _bare_rate(tasks: int) -> float:
    chance = Random(1)
    began = time.process_time()
    ends = [_SPAN.draw(chance) for _ in range(NODES)]
    heapq.heapify(ends)
    for _ in range(tasks):
        now = heapq.heappop(ends)
        heapq.heappush(ends, now + _SPAN.draw(chance))
    return tasks / (time.process_time() - began)
