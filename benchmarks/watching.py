"""Watching a job of ten thousand tasks, and a thousand jobs at once, beside the official trigger.

Each way runs in a process of its own, with one event loop and a trigger for each job, for some poll intervals
after a warm-up, against the same emulator and at the same time. Requests and bytes are counted by a relay;
CPU seconds are the process's own. Some of the tasks run, all others wait for a slot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from azure.batch import BatchClient, models

from airflow_batch_provider.client.connect.wire_log import quiet_wire_log
from airflow_batch_provider.client.jobs.submission import add_tasks
from airflow_batch_provider.client.requests.drive import Driver
from benchmarks.emulator import Emulator, make_pool, running
from benchmarks.imports import PEERS
from benchmarks.relay import relaying
from benchmarks.table import Row
from benchmarks.watchers import INTERVAL

TASKS = 10_000
JOBS = 1_000
SLOTS = 8
INTERVALS = 3
WARM_UP = 60
"""Seconds until ours looks as seldom as it will."""


@dataclass
class Taken:
    """What watching took, for one poll interval.

    :param jobs: that were looked at.
    :param requests, kilobytes, cpu: CPU in milliseconds.
    """

    jobs: int
    looks: float
    requests: float
    kilobytes: float
    cpu: float


def rows() -> list[Row]:
    """Requests, bytes and CPU per poll interval, for each way.

    :raises SystemExit: the peer's environment is missing.
    """
    if not PEERS.exists():
        sys.exit(f"{PEERS} is missing; run `make bench`, which sets it up.")
    quiet_wire_log()
    with running() as emulator:
        for pool_id in ("crowd", "small", "big"):
            make_pool(emulator.client, pool_id, 1, SLOTS)
        crowd = [_job(emulator.client, "crowd", f"crowd-{number:04}", 1) for number in range(JOBS)]
        many = _watch(emulator, dict.fromkeys(("ours", "ours with output", "official"), crowd))
        small = [_job(emulator.client, "small", "small", SLOTS)]
        big = [_job(emulator.client, "big", "big", TASKS)]
        one = _watch(emulator, {"ours": big, "ours with output": big, "official": big})
        little = _watch(emulator, {"ours": small, "ours with output": small})
    return [
        *_compared(f"{JOBS} jobs", many),
        *_compared(f"a job of {TASKS} tasks", one),
        *(row for way in little for row in _grown(way, one[way], little[way])),
    ]


def _compared(what: str, taken: dict[str, Taken]) -> Iterator[Row]:
    theirs = taken.pop("official")
    peer = f"official trigger, {theirs.jobs} looked at"
    for way, ours in taken.items():
        assert ours.jobs >= theirs.jobs
        name = f"watch {what}{way.removeprefix('ours')}"
        yield Row(f"{name}, looks", ours.looks, "in 15 s", peer, theirs.looks)
        yield Row(f"{name}, requests", ours.requests, "in 15 s", peer, theirs.requests)
        yield Row(f"{name}, bytes", ours.kilobytes, "KB/15 s", peer, theirs.kilobytes, at_most=0.5)
        yield Row(f"{name}, CPU", ours.cpu, "ms/15 s", peer, theirs.cpu, at_most=0.2)


def _grown(way: str, ours: Taken, little: Taken) -> Iterator[Row]:
    name, peer = f"watch {TASKS} tasks{way.removeprefix('ours')}", f"a job of {SLOTS} tasks"
    yield Row(f"{name}, requests", ours.requests, "in 15 s", peer, little.requests, at_most=1.2)
    yield Row(f"{name}, bytes", ours.kilobytes, "KB/15 s", peer, little.kilobytes, at_most=1.5)


def _watch(emulator: Emulator, ways: dict[str, Sequence[str]]) -> dict[str, Taken]:
    with ThreadPoolExecutor(len(ways)) as threads:
        taken = threads.map(lambda item: _take(emulator, *item), ways.items())
        return dict(zip(ways, taken, strict=True))


def _take(emulator: Emulator, way: str, jobs: Sequence[str]) -> Taken:
    config: Any = emulator.client._config
    with relaying(config.endpoint) as relay:
        name, key = config.credential.named_key
        connection: dict[str, Any] = {"login": name, "password": key}
        if way == "official":
            connection |= {"conn_type": "azure_batch", "extra": {"account_url": relay.endpoint}}
        else:
            connection |= {"conn_type": "azurebatch", "host": relay.endpoint}
        python = PEERS if way == "official" else sys.executable
        command = [python, "-m", "benchmarks.watchers", way, WARM_UP, INTERVALS * INTERVAL, *jobs]
        environment = {**os.environ, "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection)}
        with subprocess.Popen(
            [str(each) for each in command], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert _told(process) == "begin"
            before = relay.traffic()
            told = _told(process)
            traffic = relay.traffic() - before
    return Taken(
        told["jobs"],
        told["looks"] / INTERVALS,
        traffic.requests / INTERVALS,
        traffic.size / INTERVALS / 1000,
        told["cpu"] / INTERVALS * 1000,
    )


def _told(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('{"watchers"'):
            return json.loads(line)["watchers"]
    raise RuntimeError(f"a process that watches ended with status {process.wait()}")


def _job(client: BatchClient, pool_id: str, job_id: str, tasks: int) -> str:
    pool = models.BatchPoolInfo(pool_id=pool_id)
    client.create_job(models.BatchJobCreateOptions(id=job_id, pool_info=pool))
    wires = ({"id": f"task-{number:05}", "commandLine": "/bin/sleep 3600"} for number in range(tasks))
    added = Driver(client, lambda said: None).run(add_tasks(job_id, list(wires)))
    assert added == tasks
    return job_id
