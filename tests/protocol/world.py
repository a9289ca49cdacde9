"""An account with something in every state that refusals depend on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.server import Server


@dataclass(frozen=True)
class World:
    """Ids are fixed; only the node's is not.

    Pools: ``fixed`` (one node), ``auto`` (autoscale), ``busy`` (resizing for long). Jobs: ``open``, ``over``
    (completed), ``off`` (disabled). Schedules: ``plan``, ``paused`` (disabled), ``past`` (completed).
    Tasks of ``open``: ``good``, ``bad`` (both completed on the node), ``waiting`` (its dependency does not
    exist).
    """

    node: str


@contextmanager
def populated(server: Server) -> Iterator[World]:
    """Build it."""
    credential = AzureNamedKeyCredential(server.account, server.key)
    with BatchClient(server.endpoint, credential) as client:
        _pools(client)
        _jobs(client)
        node = _until(lambda: next(iter(client.list_nodes("fixed", filter="state eq 'idle'")), None))
        for task in ("good", "bad"):
            _until(lambda task=task: client.get_task("open", task).state == "completed")  # type: ignore[misc]
        yield World(str(node.id))


def _pools(client: BatchClient) -> None:
    client.create_pool(a_pool("fixed", nodes=1))
    formula = {"enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes=0"}
    client.create_pool(a_pool("auto", **formula))
    client.create_pool(a_pool("busy", nodes=1))
    _until(lambda: client.get_pool("busy").allocation_state == "steady")
    client.create_job(a_job("keeper", "busy"))
    client.create_task("keeper", a_task("sleeper", "sleep 600"))
    _until(lambda: client.get_task("keeper", "sleeper").state == "running")
    # Waits for its task to end, which takes longer than any test.
    options = {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"}
    client.begin_resize_pool("busy", options, polling_interval=600)
    _until(lambda: client.get_pool("auto").allocation_state == "steady")


def _jobs(client: BatchClient) -> None:
    client.create_job(a_job("open", "fixed", usesTaskDependencies=True, onAllTasksComplete="noaction"))
    client.create_task("open", a_task("good"))
    client.create_task("open", a_task("bad", "exit 3"))
    client.create_task("open", a_task("waiting", dependsOn={"taskIds": ["nowhere"]}))
    for job in ("over", "off"):
        client.create_job(a_job(job))
    client.create_task("over", a_task("left"))
    client.begin_terminate_job("over", options={"terminateReason": "x"}, polling_interval=0.05).result()
    client.begin_disable_job("off", {"disableTasks": "requeue"}, polling_interval=0.05).result()
    specification = {"poolInfo": {"poolId": "no-such-pool"}}
    for schedule in ("plan", "paused", "past"):
        plan = {"recurrenceInterval": "P1D"}
        client.create_job_schedule({"id": schedule, "schedule": plan, "jobSpecification": specification})
    client.disable_job_schedule("paused")
    client.begin_terminate_job_schedule("past", polling_interval=0.05).result()
    client.create_job(a_job("ending", "fixed", onAllTasksComplete="terminatejob"))
    _until(lambda: client.get_job("ending").state == "completed")


def _until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("the account did not become as wanted within a minute")
