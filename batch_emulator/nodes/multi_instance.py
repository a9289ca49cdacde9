"""What an instance of a multi-instance task is told of the others.

Source: Azure Batch: *Azure Batch runtime environment variables*, *Use multi-instance tasks*.
"""

from __future__ import annotations

from batch_emulator.nodes.directories import TaskLayout
from batch_emulator.service.effects import Instance

__all__ = ["instance_variables"]

# The documents' examples have this port; nothing listens there.
_MASTER_PORT = 6000


def instance_variables(instance: Instance, task: TaskLayout) -> dict[str, str]:
    """The variables of a multi-instance task, of its coordination commands as of its own."""
    addresses = [address for address, _, _ in instance.hosts]
    cores = " ".join(f"{address} {cores}" for address, _, cores in instance.hosts)
    return {
        "AZ_BATCH_HOST_LIST": ",".join(addresses),
        "AZ_BATCH_IS_CURRENT_NODE_MASTER": "true" if instance.number == 0 else "false",
        "AZ_BATCH_MASTER_NODE": f"{addresses[0]}:{_MASTER_PORT}",
        "AZ_BATCH_NODE_LIST": ";".join(addresses),
        "AZ_BATCH_TASK_SHARED_DIR": str(task.directory),
        "CCP_NODES": f"{len(addresses)} {cores}",
    }
