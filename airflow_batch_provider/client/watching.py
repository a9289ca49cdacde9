"""Watching a job until there is something to do about it, and what is asked of the service for that."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, TypeAlias

from airflow_batch_provider.client.idle_watch import IdleWatch
from airflow_batch_provider.client.job_requests import count_tasks, get_job, get_task, patiently
from airflow_batch_provider.client.outage import Outage
from airflow_batch_provider.client.outcome import is_stalled
from airflow_batch_provider.client.pace import Pace
from airflow_batch_provider.client.records import JobView, TaskCounts, job_view
from airflow_batch_provider.client.steps import Call, Look, Refusal, Say, Script
from airflow_batch_provider.client.streams import Follower

Ending: TypeAlias = Literal["ended", "gone", "expand", "stalled", "timeout"]
"""Why watching stopped: the job has ended, does not exist any more, a task that further tasks depend on has
completed, what is left can never run, or the operator's time is over."""

COUNTS_PER_SECOND = 2.0
"""Of all watched jobs of an account together: a count is a request for each job."""

LONGEST_SHARE = 600.0
"""Seconds after which a job's tasks are counted, however many jobs are watched."""

_POLLED = ("id", "state", "executionInfo")


def poll_jobs(ids: Collection[str]) -> Script[dict[str, JobView | None]]:
    """Look at many jobs by one request, and by one more for each that has ended since the last look.

    Live jobs are listed by what their ids have in common; one that is not in the list has ended, was deleted,
    or is too young for it. The list is bounded by the account's quota of active jobs, whatever the number of
    jobs watched or of their tasks.

    Parameters:
        ids: the jobs.

    Returns:
        A view of each; None for those that do not exist.
    """
    views: dict[str, JobView | None] = {}
    if len(ids) > 1:
        prefix = common_prefix(ids)
        where = "state ne 'completed'" + (f" and startswith(id,'{prefix}')" if prefix else "")
        options = {"filter": where, "select": list(_POLLED)}
        listed = yield from patiently(Call("list_jobs", (), options, answer="pages"))
        live = {item["id"].lower(): job_view(item) for item in listed}
        views = {job_id: live[job_id.lower()] for job_id in ids if job_id.lower() in live}
    for job_id in ids:
        if job_id not in views:
            views[job_id] = yield from get_job(job_id)
    return views


def common_prefix(ids: Collection[str]) -> str:
    """What all ids begin with."""
    columns = zip(*ids, strict=False)
    return "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))


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
    """

    job_id: str
    total: int
    after: Sequence[str] = ()
    deadline: float | None = None
    may_skip: bool = False


def watch_job(
    watch: Watch, follower: Follower, now: Callable[[], float], crowd: Callable[[], int] = lambda: 1
) -> Script[Ending]:
    """Watch a job until there is something to do; say its progress and its tasks' output meanwhile.

    A look that fails is told once and made again: a healthy job does not fail because nobody could see it.

    Parameters:
        watch: what is watched for.
        follower: says the tasks' output.
        now: the time in seconds since the epoch.
        crowd: how many jobs of the account are watched here; each counts its tasks the less often.
    """
    progress, idle = _Progress(watch, now, crowd), IdleWatch()
    outage = Outage("job")
    while True:
        try:
            job = yield Look(watch.job_id)
            yield from follower.look()
            ending = yield from _ending(job, watch, progress, idle)
        except Refusal as refusal:
            ending = None
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
        if ending is not None:
            return ending
        if watch.deadline is not None and now() > watch.deadline:
            return "timeout"


def _ending(job: JobView | None, watch: Watch, progress: _Progress, idle: IdleWatch) -> Script[Ending | None]:
    if job is None:
        return "gone"
    if job.ended:
        yield from progress.tell(always=True)
        return "ended"
    yield from progress.note_state(job.state)
    for task_id in watch.after:
        task = yield from get_task(watch.job_id, task_id)
        if task.completed:
            return "expand"
    counts = yield from progress.tell()
    if counts is None:
        return None
    if _may_be_stalled(counts, watch) and (yield from is_stalled(watch.job_id)):
        return "stalled"
    yield from idle.tell(job, counts)
    return None


def _may_be_stalled(counts: TaskCounts, watch: Watch) -> bool:
    ended = counts.completed if watch.may_skip else counts.failed
    return bool(ended and counts.active and not counts.running)


class _Progress:
    """Says how many tasks are done, when that has changed, and not too often."""

    def __init__(self, watch: Watch, now: Callable[[], float], crowd: Callable[[], int]) -> None:
        self._watch = watch
        self._now = now
        self._crowd = crowd
        self._pace = Pace(longest=30.0, first=2.0)
        self._due = 0.0
        if crowd() > 1:
            self._due = now() + random.uniform(0.0, self._share())  # noqa: S311 - it only spreads requests
        self._state = "active"
        self._told: TaskCounts | None = None

    def _share(self) -> float:
        """Seconds between two counts of this job, of all the counts that are made for the account."""
        return min(LONGEST_SHARE, self._crowd() / COUNTS_PER_SECOND)

    def note_state(self, state: str) -> Script[None]:
        if state != self._state:
            self._state = state
            yield Say(
                f"Batch job {self._watch.job_id} is {state}", "warning" if state == "disabled" else "info"
            )

    def tell(self, *, always: bool = False) -> Script[TaskCounts | None]:
        if self._now() < self._due and not always:
            return None
        self._due = self._now() + max(self._pace.next(), self._share())
        counts = yield from count_tasks(self._watch.job_id)
        if counts != self._told:
            self._told = counts
            total = max(self._watch.total, counts.total)
            failed = f", {counts.failed} failed" if counts.failed else ""
            yield Say(f"{counts.completed} of {total} tasks done, {counts.running} running{failed}")
        return counts
