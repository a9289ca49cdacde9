"""Jobs, and what their preparation and release tasks did. Source: Azure Batch REST reference, *Job - Get*."""

from __future__ import annotations

from collections.abc import Iterable

from batch_emulator.rest.render.parts import (
    failure_info,
    job_url,
    node_url,
    present,
    root_directory,
    versioned,
    without_secrets,
)
from batch_emulator.service.entities import Job, JobNodeRun, Json


def render_job(job: Job, base_url: str) -> Json:
    """A job."""
    body: Json = {"id": job.id}
    body |= versioned(job, job_url(base_url, job.id)) | without_secrets(job.spec)
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


def render_node_status(runs: Iterable[JobNodeRun], base_url: str) -> Json:
    """What preparation and release did on one node.

    :param runs: those of one job on one node, at least one.
    """
    body: Json = {}
    for run in runs:
        body["poolId"] = run.pool_id
        body["nodeId"] = run.node_id
        body["nodeUrl"] = node_url(base_url, run.pool_id, run.node_id)
        name = "jobPreparation" if run.task_kind == "preparation" else "jobRelease"
        body[f"{name}TaskExecutionInfo"] = _run_info(run, base_url)
    return body


def _run_info(run: JobNodeRun, base_url: str) -> Json:
    retries = {"retryCount": run.retry_count, "lastRetryTime": run.last_retry_time}
    info = present(
        {
            "startTime": run.start_time,
            "endTime": run.end_time,
            "state": run.state,
            "exitCode": run.exit_code,
            "failureInfo": failure_info(run.failure),
            "result": run.result,
        }
        | (retries if run.task_kind == "preparation" else {})
    )
    return info | root_directory(base_url, run.pool_id, run.node_id, run.task_root)
