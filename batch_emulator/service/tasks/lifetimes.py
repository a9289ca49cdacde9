"""The longest that a task may take from its addition to its end: 180 days.

The documents say that a task which is not complete then "is ended and left in whatever state it was in". Our
reading: an active task stays active and never runs; a running one is ended as one that a user terminates.

Source: *BatchTaskConstraints* and *Batch service quotas and limits*.
"""

from __future__ import annotations

from datetime import datetime

from batch_emulator.service.entities import Task, key_of
from batch_emulator.service.limits import MAX_TASK_LIFETIME
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs


def watch(state: State, room: JobRoom) -> None:
    """Ask to be woken when the life of the job's oldest unfinished task is over. One timer is enough."""
    room.lifetime_at = min((_end(task) for task in room.tasks.values() if _goes_on(task)), default=None)
    state.timers.set(room.lifetime_at, "lifetime", key_of(room.job))


def watch_new(state: State, room: JobRoom, task: Task) -> None:
    """A task was added, the youngest of its job."""
    if room.lifetime_at is None:
        room.lifetime_at = _end(task)
        state.timers.set(room.lifetime_at, "lifetime", key_of(room.job))


def on_time(state: State, room: JobRoom) -> None:
    """The life of some tasks may be over."""
    if room.lifetime_at is None or room.lifetime_at > state.now:
        return
    for task in list(room.tasks.values()):
        if _goes_on(task) and _end(task) <= state.now:
            _expire(state, room, task)
    watch(state, room)


def _goes_on(task: Task) -> bool:
    return task.state != "completed" and not task.expired


def _end(task: Task) -> datetime:
    return task.creation_time + MAX_TASK_LIFETIME


def _expire(state: State, room: JobRoom, task: Task) -> None:
    task.expired = True
    room.ready.discard(task)
    room.dependencies.discard(task)
    state.changed(task)
    if task.state != "active":
        task_runs.kill(state, task, "terminate")
