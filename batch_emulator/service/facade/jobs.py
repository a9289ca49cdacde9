"""Jobs: commands and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batch_emulator.service import queries, statistics
from batch_emulator.service.entities import Job, Json
from batch_emulator.service.error_kinds import JOB_PREPARATION_NOT_SPECIFIED
from batch_emulator.service.errors import BatchError
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.jobs import jobs


class JobCommands(Commands):
    """Jobs of an account."""

    def create_job(self, spec: Json, now: datetime) -> Job:
        return jobs.create(self._at(now), spec)

    def patch_job(self, job_id: str, spec: Json, now: datetime) -> Job:
        return jobs.patch(self._at(now), job_id, spec)

    def replace_job(self, job_id: str, spec: Json, now: datetime) -> Job:
        return jobs.replace(self._at(now), job_id, spec)

    def disable_job(self, job_id: str, option: str, now: datetime) -> Job:
        return jobs.disable(self._at(now), job_id, option)

    def enable_job(self, job_id: str, now: datetime) -> Job:
        return jobs.enable(self._at(now), job_id)

    def terminate_job(
        self, job_id: str, now: datetime, *, reason: str | None = None, force: bool = False
    ) -> Job:
        return jobs.terminate(self._at(now), job_id, reason, force=force)

    def delete_job(self, job_id: str, now: datetime, *, force: bool = False) -> Job:
        return jobs.delete(self._at(now), job_id, force=force)

    def job(self, job_id: str) -> Job:
        return jobs.find(self._state, job_id).job

    def jobs(self, after: str = "") -> Iterator[Job]:
        return (room.job for room in self._state.jobs.after(after))

    def job_node_runs(self, job_id: str) -> list[queries.JobNodeStatus]:
        """Preparation and release tasks of a job. :raises BatchError: the job has no preparation task."""
        room = jobs.find(self._state, job_id)
        if "jobPreparationTask" not in room.job.spec:
            raise BatchError(JOB_PREPARATION_NOT_SPECIFIED)
        return queries.job_node_runs(room)

    def job_statistics(self, job_id: str, now: datetime) -> statistics.Statistics:
        """What the tasks of a job used until now."""
        return statistics.of_job(jobs.find(self._state, job_id), now)

    def task_counts(self, job_id: str) -> queries.TaskCounts:
        room = jobs.find(self._state, job_id)
        return queries.TaskCounts(room.counts, room.slot_counts)
