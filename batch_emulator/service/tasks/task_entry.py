"""A task comes into its job, and the job's queues are made of its tasks."""

from __future__ import annotations

from batch_emulator.service.entities import Json, Task
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.scheduling.ready_queues import ReadyQueues
from batch_emulator.service.state import State
from batch_emulator.service.tasks import lifetimes, task_runs
from batch_emulator.service.tasks.dependencies import DependencyIndex


def enter(state: State, room: JobRoom, task_id: str, spec: Json) -> Task:
    """Add a task whose specification was checked; the job has none of that id."""
    room.job.tasks_added += 1
    task = state.make(Task, task_id, spec, job_id=room.job.id, number=room.job.tasks_added)
    room.tasks.add(task.id, task)
    room.count(task, 1)
    state.changed(task)
    state.changed(room.job)
    if room.job.departed and any(name.lower() == task.id.lower() for name in room.job.departed):
        room.job.departed = [name for name in room.job.departed if name.lower() != task.id.lower()]
        rebuild_queues(state, room)
    else:
        task_runs.make_ready(state, room, task)
    lifetimes.watch_new(state, room, task)
    return task


def rebuild_queues(state: State, room: JobRoom) -> None:
    """Make the ready queues and the dependency index from the tasks as they are."""
    room.dependencies, room.ready = DependencyIndex(), ReadyQueues()
    if room.job.spec["usesTaskDependencies"]:
        for name in room.job.departed:
            room.dependencies.satisfy(name)
        for task in room.tasks.values():
            if task.satisfies:
                room.dependencies.satisfy(task.id)
    for task in room.tasks.values():
        if task.state == "active":
            task_runs.make_ready(state, room, task)
