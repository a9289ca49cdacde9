"""Watching one task of a job that it shares with others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

from airflow_batch_provider.client.requests.records import TaskView
from airflow_batch_provider.client.requests.spans import moment
from airflow_batch_provider.client.requests.steps import Look, Refusal, Say, Script
from airflow_batch_provider.client.watching.idle_tasks import Waiting
from airflow_batch_provider.client.watching.outage import Outage
from airflow_batch_provider.client.watching.polls import TaskSeen
from airflow_batch_provider.client.watching.ration import Rations, Turns
from airflow_batch_provider.client.watching.streams import Follower

TaskEnding: TypeAlias = Literal["ended", "unprepared", "timeout", "unstarted", "expired"]
"""Why watching stopped: the task or its job has ended or is gone, no node can be prepared for the job, the
task has taken too long, has not started in time, or has started and the time for all of it is over."""

LATE: frozenset[str] = frozenset({"timeout", "unstarted", "expired"})
"""Those of a task whose time is over."""

_STARTED = frozenset({"preparing", "running", "completed"})

NEWS_SECONDS = 60.0
"""A start so long before a watch began is no news: it may begin anew, as after a restart of the triggerer."""


class TaskEvent(TypedDict):
    """What a watch has come to, as plain data.

    Keys:
        ending: why watching stopped.
        job_id, task_id: the task.
        reason: why it does not run; empty: it does, or that is not known.
        seen: how far its output was read, as :meth:`Follower.state` gave it.
    """

    ending: TaskEnding
    job_id: str
    task_id: str
    reason: str
    seen: dict[str, list[int]]


@dataclass(frozen=True)
class TaskWatch:
    """What is watched for.

    Parameters:
        job_id, task_id: the task.
        deadline: seconds since the epoch after which watching ends.
        seconds: how long it may take once it runs; the deadline is then that of its start. None: it is that
            of its end.
        latest: seconds since the epoch after which watching ends in any case; None: as the others say.
    """

    job_id: str
    task_id: str
    deadline: float | None = None
    seconds: float | None = None
    latest: float | None = None

    def end_by(self, start: float) -> float | None:
        """By when it must have ended, as it has started (seconds since the epoch)."""
        if self.seconds is None:
            return self.deadline
        own = start + self.seconds
        return own if self.latest is None else min(own, self.latest)

    def late(self, deadline: float, *, waits: bool) -> TaskEnding:
        """Which of its times is over at a deadline.

        Parameters:
            deadline: seconds since the epoch.
            waits: whether a look has shown just now that it has not started.
        """
        if self.seconds is not None and waits:
            return "unstarted"
        return "expired" if deadline == self.latest else "timeout"


def member_watch(job_id: str, task_id: str, deadline: float | None, start_by: float | None) -> TaskWatch:
    """What is watched for of a task that has one time for all, and maybe a shorter one for its start.

    Parameters:
        job_id, task_id: the task.
        deadline: seconds since the epoch by which it must have ended; None: there is no such limit.
        start_by: seconds since the epoch by which it must have started; None, or later than the deadline:
            there is no such limit.
    """
    if start_by is None or (deadline is not None and start_by >= deadline):
        return TaskWatch(job_id, task_id, deadline)
    return TaskWatch(job_id, task_id, start_by, seconds=math.inf, latest=deadline)


def waiting_of(task_id: str) -> Waiting:
    """What says why a task does not run."""
    return Waiting(f"Batch task {task_id} waits")


def task_event(watch: TaskWatch, ending: TaskEnding, waiting: Waiting, follower: Follower) -> TaskEvent:
    """What a watch has come to, of what took part in it."""
    return {
        "ending": ending,
        "job_id": watch.job_id,
        "task_id": watch.task_id,
        "reason": str(waiting.reason or ""),
        "seen": follower.state(),
    }


def watch_task(
    watch: TaskWatch,
    follower: Follower,
    now: Callable[[], float],
    rations: Rations | None = None,
    waiting: Waiting | None = None,
) -> Script[TaskEnding]:
    """Watch a task until it has ended; say its output meanwhile.

    A look that fails is told once and made again: a healthy task does not fail because nobody could see it.
    Looks are answered by a :class:`~airflow_batch_provider.client.watching.polls.TaskSeen`.

    Parameters:
        watch: what is watched for.
        follower: says the task's output.
        now: the time in seconds since the epoch.
        rations: of the requests beyond the look, shared with others; None: this task has its own.
        waiting: says why the task does not run, and can be asked for it afterwards.
    """
    waiting = waiting or waiting_of(watch.task_id)
    reading = Turns((rations or Rations(now)).output)
    outage = Outage("task")
    deadline, started, begun = watch.deadline, False, now()
    while True:
        waits = False
        try:
            seen: TaskSeen = yield Look(watch.job_id)
        except Refusal as refusal:
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
            task = seen.task
            waits = seen.asked and (task is None or task.state not in _STARTED)
            if task is not None and task.state in _STARTED:
                if not started:
                    started = True
                    start = _start_of(task, now())
                    deadline = watch.end_by(start)
                    if task.node_id is not None:
                        news = "has started" if start > begun - NEWS_SECONDS else "was running already"
                        yield Say(f"Batch task {watch.task_id} {news} on node {task.node_id}")
                if follower.active and (seen.over or reading.due):
                    yield from reading.take(follower.follow(task))
            if (ending := (yield from waiting.judge(seen))) is not None:
                return ending
        # Unless a look has shown that it waits, it may have started long ago: watches begin anew.
        over = deadline if started or waits or deadline is None else watch.end_by(deadline)
        if over is not None and now() > over:
            return watch.late(over, waits=waits)


def _start_of(task: TaskView, now: float) -> float:
    """When it began to run, as far as that is told, and not after now: clocks differ.

    One that is being prepared may still have the time of an earlier try.
    """
    told = task.state == "running" and task.started is not None
    return min(now, moment(str(task.started)).timestamp()) if told else now
