"""Bodies of requests, as short as tests want them."""

from __future__ import annotations

from typing import Any

from azure.batch import models

Json = dict[str, Any]

MACHINE: Json = {
    "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
    "nodeAgentSKUId": "batch.node.ubuntu 24.04",
}


def a_pool(pool_id: str, nodes: int = 0, **properties: Any) -> Json:
    """A pool of dedicated nodes."""
    target = {} if properties.get("enableAutoScale") else {"targetDedicatedNodes": nodes}
    return {
        "id": pool_id,
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": MACHINE,
        **target,
        **properties,
    }


def a_job(job_id: str, pool_id: str = "no-such-pool", **properties: Any) -> Json:
    """A job; its pool need not exist."""
    return {"id": job_id, "poolInfo": {"poolId": pool_id}, **properties}


def a_task(task_id: str, command: str = "true", **properties: Any) -> Json:
    """A task that runs a shell command."""
    return {"id": task_id, "commandLine": f"/bin/sh -c '{command}'", **properties}


def task_models(number: int) -> list[models.BatchTaskCreateOptions]:
    """Tasks as the client's bulk helper takes them."""
    return [
        models.BatchTaskCreateOptions(id=f"task-{place:03}", command_line="true") for place in range(number)
    ]
