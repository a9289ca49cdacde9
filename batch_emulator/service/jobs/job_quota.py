"""How many jobs and schedules may be active at once. Source: *Batch service quotas and limits*."""

from __future__ import annotations

from batch_emulator.service.error_kinds import JOB_QUOTA_REACHED
from batch_emulator.service.errors import BatchError
from batch_emulator.service.state import State

# Completed ones do not count. Of those that are being deleted no text speaks; they do not count here.
_LIVE_JOB = ("active", "disabling", "disabled", "enabling", "terminating")
_LIVE_SCHEDULE = ("active", "disabled", "terminating")


def reached(state: State) -> bool:
    """Whether the account may have no more."""
    jobs = sum(room.job.state in _LIVE_JOB for room in state.jobs.values())
    schedules = sum(schedule.state in _LIVE_SCHEDULE for schedule in state.schedules.values())
    return jobs + schedules >= state.account.quotas.active_jobs_and_schedules


def check(state: State) -> None:
    """:raises BatchError: ``ActiveJobAndScheduleQuotaReached``."""
    if reached(state):
        raise BatchError(JOB_QUOTA_REACHED)
