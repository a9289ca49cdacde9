"""Job schedules. Source: Azure Batch REST reference, *Job Schedule*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply
from batch_emulator.rest.handlers.common import change, created, read_one, remove
from batch_emulator.rest.handlers.jobs import job_renderer
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import JOB_SCHEDULES, JOBS_OF_SCHEDULE
from batch_emulator.rest.odata.selection import select, selected_names, wants_statistics
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.render.parts import job_schedule_url
from batch_emulator.rest.render.schedules import render_job_schedule
from batch_emulator.rest.render.statistics import render_job_statistics
from batch_emulator.service.entities import JobSchedule, Json

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

MODEL = "BatchJobSchedule"


async def create_job_schedule(call: Call, backend: Backend) -> Reply:
    schedule = await backend.execute(lambda service, now: service.create_job_schedule(call.body, now))
    return created(schedule, call.url("jobschedules", schedule.id))


async def list_job_schedules(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, MODEL, call.contract)
    matches = compile_filter(call.query["$filter"], JOB_SCHEDULES) if "$filter" in call.query else None

    def query(service: BatchService, now: datetime) -> Json:
        def render(schedule: JobSchedule) -> Json:
            return select(_render(call, service, schedule, now), names)

        schedules = service.job_schedules(start_after(call.query) or "")
        return render_page(call, "jobschedules", schedules, lambda item: item.id, render, matches)

    return Reply(await backend.read(query))


async def list_jobs_from_schedule(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchJob", call.contract)
    matches = compile_filter(call.query["$filter"], JOBS_OF_SCHEDULE) if "$filter" in call.query else None

    def query(service: BatchService, now: datetime) -> Json:
        render = job_renderer(call, service, now)
        jobs = service.jobs_of_schedule(_id(call), start_after(call.query) or "")
        return render_page(
            call, "jobs", jobs, lambda job: job.id, lambda job: select(render(job), names), matches
        )

    return Reply(await backend.read(query))


async def get_job_schedule(call: Call, backend: Backend) -> Reply:
    def render(service: BatchService, schedule: JobSchedule, now: datetime) -> Json:
        return _render(call, service, schedule, now)

    return await read_one(call, backend, _find(call), MODEL, render, "jobschedules/@Element")


def _render(call: Call, service: BatchService, schedule: JobSchedule, now: datetime) -> Json:
    body = render_job_schedule(schedule, call.base_url)
    if wants_statistics(call.query):
        figures = service.job_schedule_statistics(schedule.id, now)
        url = job_schedule_url(call.base_url, schedule.id)
        body["stats"] = render_job_statistics(figures, schedule.creation_time, now, url)
    return body


async def job_schedule_exists(call: Call, backend: Backend) -> Reply:
    return Reply(None, (await get_job_schedule(call, backend)).headers)


async def update_job_schedule(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.patch_job_schedule(_id(call), call.body, now)
    )


async def replace_job_schedule(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.replace_job_schedule(_id(call), call.body, now)
    )


async def disable_job_schedule(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.disable_job_schedule(_id(call), now))


async def enable_job_schedule(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.enable_job_schedule(_id(call), now))


async def terminate_job_schedule(call: Call, backend: Backend) -> Reply:
    force = call.flag("force")
    return await _change(
        call, backend, lambda service, now: service.terminate_job_schedule(_id(call), now, force=force)
    )


async def delete_job_schedule(call: Call, backend: Backend) -> Reply:
    force = call.flag("force")
    return await remove(
        call,
        backend,
        _find(call),
        lambda service, now: service.delete_job_schedule(_id(call), now, force=force),
    )


def _id(call: Call) -> str:
    return call["jobScheduleId"]


def _find(call: Call) -> Callable[[BatchService], JobSchedule]:
    return lambda service: service.job_schedule(_id(call))


async def _change(call: Call, backend: Backend, command: Callable[[BatchService, datetime], Any]) -> Reply:
    return await change(call, backend, _find(call), command)


HANDLERS = {
    "create_job_schedule": create_job_schedule,
    "list_job_schedules": list_job_schedules,
    "list_jobs_from_schedule": list_jobs_from_schedule,
    "get_job_schedule": get_job_schedule,
    "job_schedule_exists": job_schedule_exists,
    "update_job_schedule": update_job_schedule,
    "replace_job_schedule": replace_job_schedule,
    "disable_job_schedule": disable_job_schedule,
    "enable_job_schedule": enable_job_schedule,
    "terminate_job_schedule": terminate_job_schedule,
    "delete_job_schedule": delete_job_schedule,
}
