"""What a job preparation task that failed has printed, for the error of a job that it keeps from running.

Source: Azure Batch: *Job preparation and job release tasks*.
"""

from __future__ import annotations

from airflow_batch_provider.client.pools.pool_watch import printed_on_node
from airflow_batch_provider.client.requests.steps import Call, Script
from airflow_batch_provider.client.watching.idle_reasons import PreparationView


def printed_by_preparation(job_id: str) -> Script[str]:
    """The end of its streams on the first node where it failed; empty when they cannot be had."""
    statuses = yield Call("list_job_preparation_and_release_task_status", (job_id,), answer="pages")
    for wire in statuses:
        folder = (wire.get("jobPreparationTaskExecutionInfo") or {}).get("taskRootDirectory")
        if folder and PreparationView.read(wire).failed:
            output = yield from printed_on_node(wire["poolId"], wire["nodeId"], folder.replace("\\", "/"))
            return "".join(f"\n--- {name} of the preparation (end)\n{text}" for name, text in output.items())
    return ""
