"""How soon the emulator serves, and what one request costs it beside what it costs the official client."""

from __future__ import annotations

import statistics
import time

from azure.batch import models

from benchmarks.emulator import make_pool, running
from benchmarks.table import Row

STARTS = 5
CALLS = 1000


def rows() -> list[Row]:
    """Time to serve against a second; server CPU against client CPU over a thousand ``get_task``."""
    ready, cost = [], []
    for _ in range(STARTS):
        with running() as emulator:
            ready.append(emulator.ready_after)
            cost.append(emulator.ready_cost)
    server, client = _calls()
    return [
        Row("start until ready to serve", statistics.median(ready), "s", "a second", 1.0, at_most=1.0),
        Row("start until ready to serve, CPU", statistics.median(cost), "s", "a second", 1.0, at_most=1.0),
        Row(f"{CALLS} x get_task, CPU", server, "s", "azure-batch client", client, at_most=0.5),
    ]


def _calls() -> tuple[float, float]:
    with running() as emulator:
        make_pool(emulator.client, "p", 0, 1)
        emulator.client.create_job(
            models.BatchJobCreateOptions(id="j", pool_info=models.BatchPoolInfo(pool_id="p"))
        )
        emulator.client.create_task("j", models.BatchTaskCreateOptions(id="t", command_line="/bin/true"))
        emulator.client.get_task("j", "t")
        server, client = emulator.usage().server, time.process_time()
        for _ in range(CALLS):
            emulator.client.get_task("j", "t")
        return emulator.usage().server - server, time.process_time() - client
