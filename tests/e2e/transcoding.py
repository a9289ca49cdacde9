"""What Airflow, the queue and Batch tell of the DAG `video_transcode`."""

from __future__ import annotations

from typing import Any

from azure.storage.queue import QueueClient

from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from tests.e2e.batch import Batch, Job

__all__ = ["DAG_ID", "announcements", "messages", "new_runs", "run_ids", "source_of"]

DAG_ID = "video_transcode"


def run_ids(stack: LocalStack) -> set[str]:
    """Ids of the runs that there are."""
    return {run.run_id for run in stack.airflow.dag_runs(DAG_ID)}


def new_runs(stack: LocalStack, known: set[str]) -> list[DagRun]:
    """Runs that are not among the known ones."""
    return [run for run in stack.airflow.dag_runs(DAG_ID) if run.run_id not in known]


def messages(stack: LocalStack) -> int:
    """Messages in the queue, those that somebody holds included."""
    with QueueClient.from_connection_string(stack.storage.connection_string, "blob-events") as queue:
        return queue.get_queue_properties().approximate_message_count or 0


def announcements(stack: LocalStack, run: DagRun, asset: str) -> list[dict[str, Any]]:
    """Extras of the events of an asset that the run has made, a hundred at most."""
    events = stack.airflow.call(
        "GET", "/assets/events", params={"source_dag_id": DAG_ID, "source_run_id": run.run_id, "limit": 100}
    )["asset_events"]
    return [event["extra"] for event in events if event["name"] == asset]


def source_of(batch: Batch, job: Job) -> str:
    """Name of the video that the job transcodes."""
    (probe_task,) = [task for task in batch.tasks(job.id) if task.id == "probe"]
    return probe_task.source
