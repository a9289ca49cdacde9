"""Bodies of requests with the fewest words."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
IMAGE: Json = {
    "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
    "nodeAgentSKUId": "batch.node.ubuntu 24.04",
}


def a_pool(pool_id: str = "pool", nodes: int | None = None, **more: Any) -> Json:
    body: Json = {"id": pool_id, "vmSize": "STANDARD_D2S_V3", "virtualMachineConfiguration": IMAGE}
    if nodes is not None:
        body["targetDedicatedNodes"] = nodes
    return {**body, **more}


def a_job(job_id: str = "job", pool_id: str = "pool", **more: Any) -> Json:
    return {"id": job_id, "poolInfo": {"poolId": pool_id}, **more}


def a_task(task_id: str = "task", **more: Any) -> Json:
    return {"id": task_id, "commandLine": "/bin/true", **more}


def after(*task_ids: str, ranges: tuple[tuple[int, int], ...] = ()) -> Json:
    depends_on: Json = {}
    if task_ids:
        depends_on["taskIds"] = list(task_ids)
    if ranges:
        depends_on["taskIdRanges"] = [{"start": start, "end": end} for start, end in ranges]
    return depends_on


def an_mpi_pool(pool_id: str = "pool", nodes: int = 3, **more: Any) -> Json:
    return a_pool(pool_id, nodes, **{"enableInterNodeCommunication": True, **more})


def a_gang(task_id: str = "task", instances: int = 2, **more: Any) -> Json:
    settings = {"numberOfInstances": instances, "coordinationCommandLine": "coordinate"}
    return a_task(task_id, **{"multiInstanceSettings": settings, **more})
