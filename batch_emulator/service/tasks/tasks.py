"""What users ask of tasks. Every function refuses before it changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from batch_emulator.service.assumptions import TOO_MANY_TASKS
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Job, Json, Task
from batch_emulator.service.error_kinds import (
    JOB_BEING_DELETED,
    JOB_BEING_TERMINATED,
    JOB_COMPLETED,
    OPERATION_INVALID_FOR_CURRENT_STATE,
    TASK_COMPLETED,
    TASK_EXISTS,
    TASK_NOT_COMPLETED,
    TASK_NOT_FOUND,
    TASK_SUCCEEDED,
    conflict,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import check_id
from batch_emulator.service.jobs.jobs import find as find_job
from batch_emulator.service.limits import MAX_TASKS_PER_COLLECTION
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.spec_checks import without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.tasks import lifetimes, task_entry, task_runs
from batch_emulator.service.tasks.failures import TASK_ENDED
from batch_emulator.service.tasks.multi_instance import gangs
from batch_emulator.service.tasks.multi_instance.settings import instances_of
from batch_emulator.service.tasks.task_spec import make_constraints, make_task_spec


class AddResult(NamedTuple):
    """What became of one task of a collection: it was added, or refused for a reason of its own."""

    task_id: str
    task: Task | None
    error: BatchError | None


def find(state: State, job_id: str, task_id: str) -> Task:
    """A task. :raises BatchError: ``JobNotFound`` or ``TaskNotFound``."""
    task = find_job(state, job_id).tasks.get(task_id)
    if task is None or task.killing == "delete":
        raise BatchError(TASK_NOT_FOUND)
    return task


def _refuse_ended(job: Job) -> None:
    kinds = {"deleting": JOB_BEING_DELETED, "terminating": JOB_BEING_TERMINATED, "completed": JOB_COMPLETED}
    if job.state in kinds:
        raise BatchError(kinds[job.state])


def create(state: State, job_id: str, body: Json) -> Task:
    """Add a task to a job that goes on; a disabled job takes it too."""
    room = find_job(state, job_id)
    _refuse_ended(room.job)
    return _add(state, room, without_nulls(body))


def add_collection(state: State, job_id: str, bodies: Iterable[Json]) -> list[AddResult]:
    """Add up to a hundred tasks; each is accepted or refused for itself.

    Source: *Task - Add Collection*.
    """
    room = find_job(state, job_id)
    _refuse_ended(room.job)
    bodies = list(bodies)
    if len(bodies) > MAX_TASKS_PER_COLLECTION:
        raise conflict(TOO_MANY_TASKS, f"A collection has at most {MAX_TASKS_PER_COLLECTION} tasks")
    for body in bodies:
        check_id(body.get("id"), "value.id")
    results = []
    for body in bodies:
        try:
            results.append(AddResult(body["id"], _add(state, room, without_nulls(body)), None))
        except BatchError as error:
            results.append(AddResult(body["id"], None, error))
    return results


def _add(state: State, room: JobRoom, body: Json) -> Task:
    spec = make_task_spec(room.job, body)
    existing = room.tasks.get(body["id"])
    if existing is not None:
        if existing.killing == "delete":
            raise conflict(OPERATION_INVALID_FOR_CURRENT_STATE, "A task of this id is being deleted")
        raise BatchError(TASK_EXISTS)
    return task_entry.enter(state, room, body["id"], spec)


def replace(state: State, job_id: str, task_id: str, body: Json) -> Task:
    """Replace a task's constraints, the only thing that may be changed."""
    task = find(state, job_id, task_id)
    room = state.room_of(task)
    _refuse_ended(room.job)
    if task.state == "completed":
        raise BatchError(TASK_COMPLETED)
    constraints = make_constraints(room.job, without_nulls(body).get("constraints"))
    if task.first_retention is None and instances_of(task):
        task.first_retention = task.spec["constraints"]["retentionTime"]
    task.spec = {**task.spec, "constraints": constraints}
    if task.state == "running":
        task_runs.set_deadline(state, task)
    state.touch(task)
    state.changed(task)
    return task


def terminate(state: State, job_id: str, task_id: str) -> Task:
    """End a task: it completes with a failure."""
    task = find(state, job_id, task_id)
    room = state.room_of(task)
    if room.job.state == "deleting":
        raise BatchError(JOB_BEING_DELETED)
    if task.state == "completed":
        raise BatchError(TASK_COMPLETED)
    if task.state == "active":
        room.ready.discard(task)
        room.dependencies.discard(task)
        task_runs.complete(state, room, task, Ending(failure=TASK_ENDED, killed=True))
    else:
        task_runs.kill(state, task, "terminate")
    return task


def reactivate(state: State, job_id: str, task_id: str) -> Task:
    """Let a failed task run again as if it were new. Source: *Task - Reactivate*."""
    task = find(state, job_id, task_id)
    room = state.room_of(task)
    _refuse_ended(room.job)
    if task.state != "completed":
        raise BatchError(TASK_NOT_COMPLETED)
    if task.result == "success":
        raise BatchError(TASK_SUCCEEDED)
    satisfied, task.satisfies = task.satisfies, None
    task_runs.note_files(room, task)
    task.container_info = None
    task.exit_code = task.failure = task.start_time = task.end_time = task.last_retry_time = None
    task.node_id = task.node_pool_id = task.task_root = task.retention_until = None
    task.retry_count, task.files_removed = 0, False
    gangs.forget(state, room, task, with_files=False)
    task_runs.set_state(state, room, task, "active", "reactivated")
    task.result = None
    if satisfied:
        task_entry.rebuild_queues(state, room)
    else:
        task_runs.make_ready(state, room, task)
    lifetimes.watch(state, room)
    return task


def delete(state: State, job_id: str, task_id: str) -> None:
    """Remove a task and its files; one that runs is ended first and is not shown meanwhile."""
    task = find(state, job_id, task_id)
    room = state.room_of(task)
    if room.job.state == "deleting":
        raise BatchError(JOB_BEING_DELETED)
    if task.number in room.occupying:
        task_runs.kill(state, task, "delete")
        return
    room.count(task, -1)
    task_runs.remove_files(state, task)
    task_runs.forget(state, room, task)


def on_retention_over(state: State, task: Task) -> None:
    """The files of a completed task need not be kept any longer."""
    if task.retention_until is None or task.retention_until > state.now or task.state != "completed":
        return
    task_runs.remove_files(state, task)
    task.retention_until, task.files_removed = None, True
    state.changed(task)
    node = state.node_of(task.node_pool_id, task.node_id)
    if node is not None:
        state.check_node(node)


def on_deadline(state: State, task: Task) -> None:
    """The task's maxWallClockTime is over."""
    if task.deadline is not None and task.deadline <= state.now and task.state == "running":
        task_runs.kill(state, task, "wallclock")
