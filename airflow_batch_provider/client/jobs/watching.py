"""Watching a job until there is something to do about it, and what is asked of the service for that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from airflow_batch_provider.client.jobs.outcome import is_stalled
from airflow_batch_provider.client.requests.job_requests import count_tasks, get_task
from airflow_batch_provider.client.requests.records import JobView, TaskCounts
from airflow_batch_provider.client.requests.steps import Look, Refusal, Say, Script
from airflow_batch_provider.client.watching.idle_watch import IdleWatch
from airflow_batch_provider.client.watching.outage import Outage
from airflow_batch_provider.client.watching.pace import Pace
from airflow_batch_provider.client.watching.ration import Rations, Turns
from airflow_batch_provider.client.watching.streams import Follower

Ending: TypeAlias = Literal["ended", "gone", "expand", "stalled", "unprepared", "unstarted", "timeout"]
"""Why watching stopped: the job has ended, does not exist any more, a task that further tasks depend on has
completed, what is left can never run, no node can be prepared for it, no task has started in time, or the
operator's time is over."""

LONGEST_SKIP = 8
"""Counts that are the same, between two lists of all tasks in search of a stall."""


@dataclass(frozen=True)
class Watch:
    """What is watched for.

    Parameters:
        job_id: the job.
        total: how many tasks were submitted.
        after: tasks whose completion makes further tasks known.
        deadline: seconds since the epoch after which watching ends.
        may_skip: whether a task may succeed and yet keep others from running, so that a job without any
            failure can be one that never ends by itself.
        start_by: seconds since the epoch after which watching ends if no task has started; None: it may wait.
    """

    job_id: str
    total: int
    after: Sequence[str] = ()
    deadline: float | None = None
    may_skip: bool = False
    start_by: float | None = None


def watch_job(
    watch: Watch,
    follower: Follower,
    now: Callable[[], float],
    rations: Rations | None = None,
    idle: IdleWatch | None = None,
) -> Script[Ending]:
    """Watch a job until there is something to do; say its progress and its tasks' output meanwhile.

    A look that fails is told once and made again: a healthy job does not fail because nobody could see it.

    Parameters:
        watch: what is watched for.
        follower: says the tasks' output.
        now: the time in seconds since the epoch.
        rations: of the requests beyond the look at the job, shared with others; None: this job has its own.
        idle: finds out why nothing runs, and can be asked for it afterwards.
    """
    watcher = _Watcher(watch, follower, now, rations or Rations(now), idle or IdleWatch())
    outage = Outage("job")
    while True:
        try:
            job = yield Look(watch.job_id)
            ending = yield from watcher.see(job)
        except Refusal as refusal:
            ending = None
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
        if ending is not None:
            return ending
        if watch.deadline is not None and now() > watch.deadline:
            return "timeout"


class _Watcher:
    """What follows from looks at a job. Its end is seen from the look alone; all else is asked by turns."""

    def __init__(
        self, watch: Watch, follower: Follower, now: Callable[[], float], rations: Rations, idle: IdleWatch
    ) -> None:
        self._watch = watch
        self._follower = follower
        self._now = now
        self._progress = _Progress(watch, idle)
        self._counting = Turns(rations.counts, Pace(longest=30.0, first=2.0))
        self._reading = Turns(rations.output)
        self._growing = Turns(rations.tasks)

    def see(self, job: JobView | None) -> Script[Ending | None]:
        if job is None:
            return "gone"
        if job.ended:
            yield from self._follower.look()
            yield from self._progress.tell()
            return "ended"
        if self._follower.active and self._reading.due:
            yield from self._reading.take(self._follower.look())
        yield from self._progress.note_state(job.state)
        if self._watch.after and self._growing.due and (yield from self._growing.take(self._can_grow())):
            return "expand"
        late = self._is_late_to_start
        if not (late or self._counting.due):
            return None
        ending = yield from self._counting.take(self._progress.judge(job))
        return "unstarted" if late and ending is None and not self._progress.has_begun else ending

    @property
    def _is_late_to_start(self) -> bool:
        """Whether a task should have started by now and none is known to have."""
        start_by = self._watch.start_by
        return start_by is not None and not self._progress.has_begun and self._now() > start_by

    def _can_grow(self) -> Script[bool]:
        for task_id in self._watch.after:
            task = yield from get_task(self._watch.job_id, task_id)
            if task.completed:
                return True
        return False


class _Progress:
    """Says how many tasks are done, when that has changed, and what that means when nothing runs."""

    def __init__(self, watch: Watch, idle: IdleWatch) -> None:
        self._watch = watch
        self._idle = idle
        self._state = "active"
        self._told: TaskCounts | None = None
        self.has_begun = False
        """Whether a task is known to have been given to a node."""
        self._stall = _StallCheck(watch)

    def note_state(self, state: str) -> Script[None]:
        if state != self._state:
            self._state = state
            yield Say(
                f"Batch job {self._watch.job_id} is {state}", "warning" if state == "disabled" else "info"
            )

    def judge(self, job: JobView) -> Script[Ending | None]:
        counts = yield from self.tell()
        if (yield from self._stall.is_stalled(counts)):
            return "stalled"
        yield from self._idle.tell(job, counts)
        return "unprepared" if self._idle.is_hopeless else None

    def tell(self) -> Script[TaskCounts]:
        counts = yield from count_tasks(self._watch.job_id)
        self.has_begun = self.has_begun or bool(counts.running or counts.completed)
        if counts != self._told:
            self._told = counts
            total = max(self._watch.total, counts.total)
            failed = f", {counts.failed} failed" if counts.failed else ""
            yield Say(f"{counts.completed} of {total} tasks done, {counts.running} running{failed}")
        return counts


class _StallCheck:
    """Finds out whether what is left can never run. That lists all tasks: it is done when counts that give
    reason for it have changed, and ever less often while they have not, as a list may have been too early."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._counts: TaskCounts | None = None
        self._skip = self._left = 0

    def is_stalled(self, counts: TaskCounts) -> Script[bool]:
        ended = counts.completed if self._watch.may_skip else counts.failed
        if not (ended and counts.active and not counts.running):
            return False
        if counts != self._counts:
            self._counts, self._skip, self._left = counts, 1, 0
        if self._left:
            self._left -= 1
            return False
        self._left = self._skip
        self._skip = min(LONGEST_SKIP, self._skip * 2)
        return (yield from is_stalled(self._watch.job_id))
