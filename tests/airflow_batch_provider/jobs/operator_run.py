"""Runs of the job operator, in the parts that a worker and a triggerer take."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import AutoPool, JobGraph, shell
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred


class Instance:
    """A task instance as far as operators look at it."""

    def __init__(self, run_id: str | None = None, max_tries: int = 0) -> None:
        self.dag_id, self.task_id, self.map_index = "tests", "job", -1
        self.run_id = run_id or uuid.uuid4().hex
        self.max_tries = max_tries
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def context(self, **values: Any) -> Any:
        return {"ti": self, "run_id": self.run_id, **values}


def operator(graph: Any, pool_id: str | AutoPool, **options: Any) -> AzureBatchJobOperator:
    return AzureBatchJobOperator(task_id="job", pool_id=pool_id, graph=graph, poll_interval=0.3, **options)


async def fire(deferred: TaskDeferred) -> Any:
    """What a triggerer does: make the trigger from its serialized form, and wait for its event."""
    assert deferred.method_name == "resume"
    assert not deferred.kwargs
    path, kwargs = deferred.trigger.serialize()
    assert path == "airflow_batch_provider.triggers.job.AzureBatchJobTrigger"
    trigger = AzureBatchJobTrigger(**json.loads(json.dumps(kwargs)))
    async for event in trigger.run():
        return json.loads(json.dumps(event.payload))
    raise AssertionError("no event")


async def complete(make: Callable[[], AzureBatchJobOperator], instance: Instance, **context: Any) -> Any:
    """A deferrable task from start to end: every part in a new operator, as in a new process."""
    step: Callable[[], Any] = lambda: make().execute(instance.context(**context))  # noqa: E731
    for _ in range(6):
        try:
            return await asyncio.to_thread(step)
        except TaskDeferred as deferred:
            event = await fire(deferred)
        step = lambda event=event: make().resume(instance.context(**context), event)  # noqa: E731
    raise AssertionError("deferred too often")


def growing_graph(word: str = "x") -> JobGraph:
    graph = JobGraph()
    plan = graph.task(
        "plan", shell(f"echo '{{\"n\": 2, \"w\": \"{word}\"}}' > plan.json"), outputs=["plan.json"],
        result="plan.json",
    )  # fmt: skip

    def build(told: dict[str, Any]) -> JobGraph:
        more = graph.more()
        parts = more.fan_out("part", range(told["n"]), lambda i: dict(command=shell(f"echo part {i}")))
        plan >> parts
        return more

    graph.expand(after=plan, build=build)
    return graph
