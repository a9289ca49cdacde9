"""Tasks: commands and questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from batch_emulator.service import explain, queries
from batch_emulator.service.entities import Json, Subtask, Task
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.jobs import jobs
from batch_emulator.service.tasks import tasks


class TaskCommands(Commands):
    """Tasks of an account."""

    def create_task(self, job_id: str, spec: Json, now: datetime) -> Task:
        return tasks.create(self._at(now), job_id, spec)

    def add_tasks(self, job_id: str, specs: Iterable[Json], now: datetime) -> list[tasks.AddResult]:
        return tasks.add_collection(self._at(now), job_id, specs)

    def replace_task(self, job_id: str, task_id: str, spec: Json, now: datetime) -> Task:
        return tasks.replace(self._at(now), job_id, task_id, spec)

    def terminate_task(self, job_id: str, task_id: str, now: datetime) -> Task:
        return tasks.terminate(self._at(now), job_id, task_id)

    def reactivate_task(self, job_id: str, task_id: str, now: datetime) -> Task:
        return tasks.reactivate(self._at(now), job_id, task_id)

    def delete_task(self, job_id: str, task_id: str, now: datetime) -> None:
        tasks.delete(self._at(now), job_id, task_id)

    def task(self, job_id: str, task_id: str) -> Task:
        return tasks.find(self._state, job_id, task_id)

    def tasks(self, job_id: str, after: str = "") -> Iterator[Task]:
        found = jobs.find(self._state, job_id).tasks.after(after)
        return (task for task in found if task.killing != "delete")

    def subtasks(self, job_id: str, task_id: str) -> list[Subtask]:
        """The instances of a multi-instance task's latest try, the primary left out; of others none."""
        task = self.task(job_id, task_id)
        gang = self._state.room_of(task).gangs.get(task.number)
        return [member for member in gang.members if member.number > 0] if gang else []

    def kept_task_roots(self) -> set[str]:
        return queries.kept_task_roots(self._state)

    def why_not_running(self, job_id: str, task_id: str) -> list[explain.Reason]:
        """Why a task is not running, as data."""
        return explain.why_not_running(self._state, self.task(job_id, task_id))
