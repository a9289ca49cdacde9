"""Jobs. Source: Azure Batch REST reference, *Job*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply
from batch_emulator.rest.handlers.common import change, created, read_one, remove
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import JOBS, NODE_STATUSES
from batch_emulator.rest.odata.selection import select, selected_names, wants_statistics
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.render.jobs import render_job, render_node_status, render_task_counts
from batch_emulator.rest.render.parts import job_url
from batch_emulator.rest.render.statistics import render_job_statistics
from batch_emulator.service.entities import Job, Json

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

STATUS_MODEL = "BatchJobPreparationAndReleaseTaskStatus"


async def create_job(call: Call, backend: Backend) -> Reply:
    job = await backend.execute(lambda service, now: service.create_job(call.body, now))
    # Recorded: whatever the id of the new job, the service names this URL.
    return created(job, call.url("jobs", "job-1"))


async def list_jobs(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchJob", call.contract)
    matches = compile_filter(call.query["$filter"], JOBS) if "$filter" in call.query else None

    def query(service: BatchService, now: datetime) -> Json:
        render = job_renderer(call, service, now)
        return render_page(
            call,
            "jobs",
            service.jobs(start_after(call.query) or ""),
            lambda job: job.id,
            lambda job: select(render(job), names),
            matches,
        )

    return Reply(await backend.read(query))


def job_renderer(call: Call, service: BatchService, now: datetime) -> Callable[[Job], Json]:
    """What renders the jobs that a call asks for, with their statistics if it asks for those."""
    with_statistics = wants_statistics(call.query)

    def render(job: Job) -> Json:
        body = render_job(job, call.base_url)
        if with_statistics:
            figures = service.job_statistics(job.id, now)
            url = job_url(call.base_url, job.id)
            body["stats"] = render_job_statistics(figures, job.creation_time, now, url)
        return body

    return render


async def get_job(call: Call, backend: Backend) -> Reply:
    def render(service: BatchService, job: Job, now: datetime) -> Json:
        return job_renderer(call, service, now)(job)

    return await read_one(call, backend, _find(call), "BatchJob", render, "jobs/@Element")


async def update_job(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.patch_job(call["jobId"], call.body, now))


async def replace_job(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.replace_job(call["jobId"], call.body, now)
    )


async def disable_job(call: Call, backend: Backend) -> Reply:
    option = call.body["disableTasks"]
    return await _change(call, backend, lambda service, now: service.disable_job(call["jobId"], option, now))


async def enable_job(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.enable_job(call["jobId"], now))


async def terminate_job(call: Call, backend: Backend) -> Reply:
    force, reason = call.flag("force"), call.body.get("terminateReason")
    return await _change(
        call,
        backend,
        lambda service, now: service.terminate_job(call["jobId"], now, reason=reason, force=force),
    )


async def delete_job(call: Call, backend: Backend) -> Reply:
    force = call.flag("force")
    return await remove(
        call, backend, _find(call), lambda service, now: service.delete_job(call["jobId"], now, force=force)
    )


async def get_job_task_counts(call: Call, backend: Backend) -> Reply:
    def query(service: BatchService, _now: datetime) -> Json:
        return render_task_counts(service.task_counts(call["jobId"]))

    metadata = f"{call.base_url}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.TaskCountsResult"
    return Reply({"odata.metadata": metadata} | await backend.read(query))


async def list_job_preparation_and_release_task_status(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, STATUS_MODEL, call.contract)
    matches = compile_filter(call.query["$filter"], NODE_STATUSES) if "$filter" in call.query else None

    def query(service: BatchService, _now: datetime) -> Json:
        statuses = [render_node_status(item, call.base_url) for item in service.job_node_runs(call["jobId"])]
        statuses.sort(key=_status_key)
        metadata = "jobpreparationandreleasetaskstatuslist"
        return render_page(call, metadata, statuses, _status_key, lambda item: select(item, names), matches)

    return Reply(await backend.read(query))


def _status_key(status: Json) -> str:
    return f"{status['poolId']}/{status['nodeId']}"


def _find(call: Call) -> Callable[[BatchService], Job]:
    return lambda service: service.job(call["jobId"])


async def _change(call: Call, backend: Backend, command: Callable[[BatchService, datetime], Any]) -> Reply:
    return await change(call, backend, _find(call), command)


HANDLERS = {
    "create_job": create_job,
    "list_jobs": list_jobs,
    "get_job": get_job,
    "update_job": update_job,
    "replace_job": replace_job,
    "disable_job": disable_job,
    "enable_job": enable_job,
    "terminate_job": terminate_job,
    "delete_job": delete_job,
    "get_job_task_counts": get_job_task_counts,
    "list_job_preparation_and_release_task_status": list_job_preparation_and_release_task_status,
}
