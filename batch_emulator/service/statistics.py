"""What tasks, jobs and schedules used. The service tells this half an hour late; here it is of now.

Times of waiting are told of tasks only: the documents say that those of jobs are left out.

Source: *BatchTaskStatistics*, *BatchJobStatistics*, *BatchJobScheduleStatistics*.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from batch_emulator.service.entities import Job, JobSchedule, Task
from batch_emulator.service.resource_use import NOTHING, ResourceUse
from batch_emulator.service.rooms import JobRoom

_MICROSECOND = timedelta(microseconds=1)


class Statistics(NamedTuple):
    """Sums. It is a tuple of numbers, so that it can be stored as a list.

    :param user: processor time in microseconds; so is ``kernel``.
    :param wall: time on nodes in microseconds, all tries together.
    :param read: bytes; so is ``written``.
    :param retries: of completed and other tasks.
    """

    user: int = 0
    kernel: int = 0
    wall: int = 0
    read: int = 0
    written: int = 0
    succeeded: int = 0
    failed: int = 0
    retries: int = 0

    def plus(self, other: Statistics) -> Statistics:
        return Statistics(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def note_try(task: Task, use: ResourceUse, now: datetime) -> None:
    """A try of a task is over."""
    wall = _running_for(task, now)
    if wall or use != NOTHING:
        _add(task, use, wall)


def note_command(task: Task, use: ResourceUse) -> None:
    """A coordination command of a multi-instance task is over: its time is that of the try."""
    if use != NOTHING:
        _add(task, use, 0)


def _add(task: Task, use: ResourceUse, wall: int) -> None:
    user, kernel, before, read, written = task.used or (0, 0, 0, 0, 0)
    task.used = [user + use.user, kernel + use.kernel, before + wall, read + use.read, written + use.written]


def _of_tries(task: Task) -> Statistics:
    return Statistics(*task.used) if task.used else Statistics()


def _running_for(task: Task, now: datetime) -> int:
    if task.state != "running" or task.start_time is None:
        return 0
    return max(0, (now - task.start_time) // _MICROSECOND)


def of_task(task: Task, now: datetime) -> Statistics:
    """What a task used so far, that which runs now included."""
    return _of_tries(task).plus(
        Statistics(
            wall=_running_for(task, now),
            succeeded=task.result == "success",
            failed=task.result == "failure",
            retries=task.retry_count,
        )
    )


def waited(task: Task) -> timedelta:
    """From a task's addition to the start of its latest try."""
    return timedelta(0) if task.start_time is None else task.start_time - task.creation_time


def of_job(room: JobRoom, now: datetime) -> Statistics:
    """What the tasks of a job used, those included that were deleted since."""
    total = of_past(room.job)
    for task in room.tasks.values():
        total = total.plus(of_task(task, now))
    return total


def of_past(owner: Job | JobSchedule) -> Statistics:
    """What tasks of a job, or jobs of a schedule, had used when they were deleted."""
    return Statistics(*owner.past) if owner.past else Statistics()


def keep(owner: Job | JobSchedule, figures: Statistics) -> None:
    """Something is deleted whose figures still count for its owner."""
    owner.past = list(of_past(owner).plus(figures))
