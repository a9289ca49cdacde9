"""Pools for operators that need a node."""

from __future__ import annotations

import uuid
from typing import Any

from azure.batch import BatchClient


def a_pool_with_a_node(batch: BatchClient) -> str:
    """A new pool of one Spot node with four slots; gives its id."""
    pool_id = f"pool-{uuid.uuid4().hex[:8]}"
    image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    body: Any = {
        "id": pool_id,
        "vmSize": "standard_d4s_v3",
        "virtualMachineConfiguration": {
            "imageReference": image,
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "targetLowPriorityNodes": 1,
        "taskSlotsPerNode": 4,
    }
    batch.create_pool(body)
    return pool_id
