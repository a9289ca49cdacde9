"""What this distribution brings to Airflow: the body of ``get_provider_info``."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Any

from airflow_batch_provider.connection_form import CONNECTION_TYPE

_INTEGRATION = "Azure Batch"
_ROOT = Path(__file__).parent

# Links shown beside a task instance, by class path.
EXTRA_LINKS = [
    "airflow_batch_provider.links.job.AzureBatchJobLink",
    "airflow_batch_provider.links.job.AzureBatchOutputLink",
]


# Decorators that Airflow offers as @task.<name>.
TASK_DECORATORS = [
    {"name": "azure_batch", "class-name": "airflow_batch_provider.decorators.azure_batch.azure_batch_task"}
]


# Queues of which the common-messaging provider, where it is installed, makes triggers.
MESSAGE_QUEUES = ["airflow_batch_provider.messaging.AzureStorageQueueMessageQueueProvider"]


def modules_of(room: str) -> list[str]:
    """Dotted names of the modules in a room such as ``operators``; nothing is imported."""
    found = pkgutil.iter_modules([str(_ROOT / room)])
    return sorted(f"airflow_batch_provider.{room}.{module.name}" for module in found)


def provider_info(version: str) -> dict[str, Any]:
    """The dictionary that Airflow checks against its schema for providers at every start."""
    info: dict[str, Any] = {
        "package-name": "airflow-provider-azure-batch",
        "name": "Azure Batch",
        "description": "Azure Batch pools, job graphs and blob events for Apache Airflow.",
        "versions": [version],
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://learn.microsoft.com/azure/batch/",
                "tags": ["azure"],
            }
        ],
        "connection-types": [CONNECTION_TYPE],
    }
    for room in ("operators", "sensors", "hooks", "triggers"):
        info[room] = [{"integration-name": _INTEGRATION, "python-modules": modules_of(room)}]
    info["task-decorators"] = list(TASK_DECORATORS)
    info["extra-links"] = list(EXTRA_LINKS)
    info["queues"] = list(MESSAGE_QUEUES)
    return info
