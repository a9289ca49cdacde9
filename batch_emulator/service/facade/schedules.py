"""Job schedules: commands and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

from batch_emulator.service import statistics
from batch_emulator.service.entities import Job, JobSchedule, Json
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.ids import schedule_job_id
from batch_emulator.service.schedules import schedule_life, schedules


class ScheduleCommands(Commands):
    """Job schedules of an account."""

    def create_job_schedule(self, spec: Json, now: datetime) -> JobSchedule:
        return schedules.create(self._at(now), spec)

    def patch_job_schedule(self, schedule_id: str, spec: Json, now: datetime) -> JobSchedule:
        return schedules.patch(self._at(now), schedule_id, spec)

    def replace_job_schedule(self, schedule_id: str, spec: Json, now: datetime) -> JobSchedule:
        return schedules.replace(self._at(now), schedule_id, spec)

    def disable_job_schedule(self, schedule_id: str, now: datetime) -> JobSchedule:
        return schedules.disable(self._at(now), schedule_id)

    def enable_job_schedule(self, schedule_id: str, now: datetime) -> JobSchedule:
        return schedules.enable(self._at(now), schedule_id)

    def terminate_job_schedule(self, schedule_id: str, now: datetime, *, force: bool = False) -> JobSchedule:
        return schedules.terminate(self._at(now), schedule_id, force=force)

    def delete_job_schedule(self, schedule_id: str, now: datetime, *, force: bool = False) -> JobSchedule:
        return schedules.delete(self._at(now), schedule_id, force=force)

    def job_schedule(self, schedule_id: str) -> JobSchedule:
        return schedules.find(self._state, schedule_id)

    def job_schedules(self, after: str = "") -> Iterator[JobSchedule]:
        return self._state.schedules.after(after)

    def job_schedule_statistics(self, schedule_id: str, now: datetime) -> statistics.Statistics:
        """What the jobs of a schedule used until now."""
        schedule = schedules.find(self._state, schedule_id)
        total = statistics.of_past(schedule)
        for room in schedule_life.jobs_of(self._state, schedule):
            total = total.plus(statistics.of_job(room, now))
        return total

    def jobs_of_schedule(self, schedule_id: str, after: str = "") -> Iterator[Job]:
        """Jobs that a schedule made, in ordinal order of their ids, those after a given id."""
        prefix = schedule_job_id(schedules.find(self._state, schedule_id).id, "")
        rooms = self._state.jobs.after(max(after, prefix))
        return takewhile(lambda job: job.id.startswith(prefix), (room.job for room in rooms))
