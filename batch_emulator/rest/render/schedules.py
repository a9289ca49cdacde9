"""Job schedules. Source: Azure Batch REST reference, *Job Schedule - Get*."""

from __future__ import annotations

from batch_emulator.rest.render.parts import (
    job_schedule_url,
    job_url,
    present,
    previous_state,
    versioned,
    without_secrets,
)
from batch_emulator.service.entities import JobSchedule, Json


def render_job_schedule(schedule: JobSchedule, base_url: str) -> Json:
    """A job schedule."""
    body: Json = {"id": schedule.id}
    body |= versioned(schedule, job_schedule_url(base_url, schedule.id)) | previous_state(schedule)
    body |= without_secrets(schedule.spec)
    body["executionInfo"] = present(
        {
            "nextRunTime": schedule.next_run_time,
            "recentJob": _recent_job(schedule, base_url),
            "endTime": schedule.end_time,
        }
    )
    return body


def _recent_job(schedule: JobSchedule, base_url: str) -> Json | None:
    if schedule.recent_job_id is None:
        return None
    return {"url": job_url(base_url, schedule.recent_job_id), "id": schedule.recent_job_id}
