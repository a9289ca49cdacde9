"""A process that watches jobs as a triggerer does: one event loop, a trigger for each job.

`python -m benchmarks.watchers WAY WARM_UP SECONDS JOB...` says ``begin`` after the warm-up, and then what it
took: CPU seconds, looks at jobs, and jobs that were looked at. It runs in the environment of the provider
that is watched with; its connection is in the environment.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

INTERVAL = 15
"""Seconds between two looks; of ours the longest."""


def main() -> None:
    """Watch as the arguments say."""
    way, warm_up, seconds, *jobs = sys.argv[1:]
    # Lines are made as a triggerer makes them, and thrown away.
    nowhere = structlog.PrintLoggerFactory(open(os.devnull, "w"))  # noqa: SIM115 - until the process ends
    makers: list[Any] = [
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(processors=makers, logger_factory=nowhere)
    asyncio.run(_watch(WAYS[way](), jobs, float(warm_up), float(seconds)))


async def _watch(way: tuple[Callable[[str], Any], Counter[str]], jobs: list[str], *times: float) -> None:
    trigger_of, looks = way
    loop = asyncio.get_running_loop()
    # Each in a context of its own, as in a triggerer.
    watching = [
        contextvars.Context().run(loop.create_task, _first_event(trigger_of(job_id))) for job_id in jobs
    ]
    warm_up, seconds = times
    await asyncio.sleep(warm_up)
    looks.clear()
    spent = time.process_time()
    _say("begin")
    await asyncio.sleep(seconds)
    spent = time.process_time() - spent
    ended = [task for task in watching if task.done()]
    assert not ended, ended[0]
    _say({"cpu": spent, "looks": looks.total(), "jobs": len(looks)})
    # Threads of the official hook's requests may be under way: nobody waits for them.
    sys.stdout.flush()
    os._exit(0)


async def _first_event(trigger: Any) -> Any:
    return await anext(trigger.run())


def _say(told: Any) -> None:
    print(json.dumps({"watchers": told}), flush=True)


def _ours(*, output: bool = False) -> tuple[Callable[[str], Any], Counter[str]]:
    from airflow_batch_provider.client.watching.poller import JobPoller
    from airflow_batch_provider.triggers.job import AzureBatchJobTrigger

    looks: Counter[str] = Counter()
    look = JobPoller.look

    async def counted(poller: JobPoller, job_id: str) -> Any:
        view = await look(poller, job_id)
        looks[job_id] += 1
        return view

    JobPoller.look = counted  # type: ignore[method-assign, assignment]
    return lambda job_id: AzureBatchJobTrigger(
        "azure_batch_default", job_id, 1, 1, poll_interval=INTERVAL, log_tasks=output
    ), looks


def _official() -> tuple[Callable[[str], Any], Counter[str]]:
    from airflow.providers.microsoft.azure.triggers.batch import AzureBatchTrigger

    looks: Counter[str] = Counter()
    judge = AzureBatchTrigger._build_trigger_event

    def counted(trigger: Any, tasks: Any) -> Any:
        looks[trigger.job_id] += 1
        return judge(trigger, tasks)

    AzureBatchTrigger._build_trigger_event = counted
    until = time.time() + 3600
    return lambda job_id: AzureBatchTrigger(
        job_id, "azure_batch_default", until, poll_interval=INTERVAL
    ), looks


WAYS = {"ours": _ours, "ours with output": partial(_ours, output=True), "official": _official}

if __name__ == "__main__":
    main()
