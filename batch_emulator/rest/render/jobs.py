"""Jobs, and what their preparation and release tasks did. Source: Azure Batch REST reference, *Job - Get*."""

from __future__ import annotations

from batch_emulator.rest.render.parts import (
    failure_info,
    job_url,
    node_url,
    present,
    previous_state,
    root_directory,
    versioned,
    without_secrets,
)
from batch_emulator.service.entities import Job, JobNodeRun, Json
from batch_emulator.service.queries import JobNodeStatus, TaskCounts
from batch_emulator.service.rooms import Counts


def render_job(job: Job, base_url: str) -> Json:
    """A job."""
    body: Json = {"id": job.id}
    body |= versioned(job, job_url(base_url, job.id)) | previous_state(job) | without_secrets(job.spec)
    body["executionInfo"] = present(
        {
            "startTime": job.start_time,
            "endTime": job.end_time,
            "poolId": job.pool_id or None,
            "schedulingError": job.scheduling_error,
            "terminateReason": job.terminate_reason,
        }
    )
    return body


def render_task_counts(counts: TaskCounts) -> Json:
    """How many tasks of a job are in which state, and how many slots they ask for."""
    return {"taskCounts": _counts(counts.tasks), "taskSlotCounts": _counts(counts.slots)}


def _counts(counts: Counts) -> Json:
    return {name: getattr(counts, name) for name in ("active", "running", "completed", "succeeded", "failed")}


def render_node_status(status: JobNodeStatus, base_url: str) -> Json:
    """What preparation and release did on one node."""
    body: Json = {
        "poolId": status.pool_id,
        "nodeId": status.node_id,
        "nodeUrl": node_url(base_url, status.pool_id, status.node_id),
    }
    if status.preparation is not None:
        body["jobPreparationTaskExecutionInfo"] = _run_info(status.preparation, base_url)
    if status.release is not None:
        body["jobReleaseTaskExecutionInfo"] = _run_info(status.release, base_url)
    return body


def _run_info(run: JobNodeRun, base_url: str) -> Json:
    retries = {"retryCount": run.retry_count, "lastRetryTime": run.last_retry_time}
    info = present(
        {
            "startTime": run.start_time,
            "endTime": run.end_time,
            "state": run.state,
            "exitCode": run.exit_code,
            "containerInfo": run.container_info,
            "failureInfo": failure_info(run.failure),
            "result": run.result,
        }
        | (retries if run.task_kind == "preparation" else {})
    )
    return info | root_directory(base_url, run.pool_id, run.node_id, run.task_root)
