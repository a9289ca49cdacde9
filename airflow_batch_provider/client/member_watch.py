"""Watching one task of a group's job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from airflow_batch_provider.client.outage import Outage
from airflow_batch_provider.client.polls import TaskSeen
from airflow_batch_provider.client.steps import Look, Refusal, Say, Script
from airflow_batch_provider.client.streams import Follower

MemberEnding: TypeAlias = Literal["ended", "timeout"]
"""Why watching stopped: the task or its job has ended or is gone, or the operator's time is over."""


@dataclass(frozen=True)
class MemberWatch:
    """What is watched for.

    Parameters:
        job_id, task_id: the task.
        deadline: seconds since the epoch after which watching ends.
    """

    job_id: str
    task_id: str
    deadline: float | None = None


def watch_member(watch: MemberWatch, follower: Follower, now: Callable[[], float]) -> Script[MemberEnding]:
    """Watch a task until it has ended; say its output meanwhile.

    A look that fails is told once and made again: a healthy task does not fail because nobody could see it.
    Looks are answered by a :class:`TaskSeen`.

    Parameters:
        watch: what is watched for.
        follower: says the task's output.
        now: the time in seconds since the epoch.
    """
    outage = Outage("task")
    started = False
    while True:
        try:
            seen: TaskSeen = yield Look(watch.job_id)
        except Refusal as refusal:
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
            if not started and seen.task is not None and seen.task.node_id is not None:
                started = True
                yield Say(f"Batch task {watch.task_id} has started on node {seen.task.node_id}")
            if seen.task is not None:
                yield from follower.follow(seen.task)
            if seen.over:
                return "ended"
        if watch.deadline is not None and now() > watch.deadline:
            return "timeout"
