"""Watching single tasks of a job: what it costs, what is missed (nothing), and what is said."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow_batch_provider.client.requests.records import job_view, task_view
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.tasks.task_watch import TaskWatch, member_watch, watch_task
from airflow_batch_provider.client.watching.idle_tasks import OTHERS_RUN, IdleTasks, see_alone
from airflow_batch_provider.client.watching.poller import JobPoller
from airflow_batch_provider.client.watching.polls import TaskSeen, see_task
from airflow_batch_provider.client.watching.ration import Rations
from airflow_batch_provider.client.watching.streams import Follower
from tests.airflow_batch_provider.client.scripted import Scripted

JOB = job_view({"id": "j", "state": "active"})
ENDED_JOB = job_view({"id": "j", "state": "completed"})


def wire(task_id: str, state: str = "completed", at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"id": task_id, "state": state, "stateTransitionTime": at}


def watched(
    *looks: Any, deadline: float | None = None, seconds: float | None = None, latest: float | None = None
) -> tuple[str, list[str], float]:
    service = Scripted(looks=list(looks))
    watch = TaskWatch("j", "a", deadline, seconds, latest)
    ending = service.run(watch_task(watch, Follower("j", False), lambda: service.now))
    return ending, service.said, service.now


def test_a_task_is_watched_until_it_or_its_job_has_ended() -> None:
    running = TaskSeen(JOB, task_view({**wire("a", "running"), "nodeInfo": {"nodeId": "n1"}}))
    done = TaskSeen(JOB, task_view({**wire("a"), "nodeInfo": {"nodeId": "n1"}}))
    assert watched(TaskSeen(JOB), running, running, done)[:2] == (
        "ended",
        ["Batch task a has started on node n1"],
    )
    assert watched(TaskSeen(JOB), TaskSeen(ENDED_JOB))[0] == "ended"
    assert watched(TaskSeen(JOB), TaskSeen(None))[0] == "ended"
    assert watched(*[TaskSeen(JOB)] * 9, deadline=5)[0] == "timeout"


def test_a_start_is_news_once_and_not_to_a_watch_that_begins_anew() -> None:
    begun = {"executionInfo": {"startTime": "1970-01-01T00:10:00Z"}, "nodeInfo": {"nodeId": "n1"}}
    running = TaskSeen(JOB, task_view({**wire("a", "running"), **begun}))
    done = TaskSeen(JOB, task_view(wire("a")))
    for later, news in ((5, "has started"), (600, "was running already")):
        service = Scripted(looks=[running, done])
        service.now = 600.0 + later
        service.run(watch_task(TaskWatch("j", "a"), Follower("j", False), lambda clock=service: clock.now))
        assert service.said == [f"Batch task a {news} on node n1"]


def test_a_timeout_counts_from_the_start_of_the_task() -> None:
    waiting = TaskSeen(JOB, task_view(wire("a", "active")))
    ending, _, now = watched(*[waiting] * 20, deadline=5, seconds=10)
    assert (ending, now) == ("unstarted", 6)
    running = TaskSeen(JOB, task_view(wire("a", "running")))
    ending, _, now = watched(waiting, *[running] * 20, deadline=5, seconds=10)
    assert (ending, now) == ("timeout", 13)


def test_start_and_run_share_the_time_there_is_for_both() -> None:
    waiting = TaskSeen(JOB, task_view(wire("a", "active")))
    running = TaskSeen(JOB, task_view(wire("a", "running")))
    assert watched(*[waiting] * 4, *[running] * 20, deadline=5, seconds=10, latest=8)[::2] == ("expired", 9)
    assert watched(*[waiting] * 4, *[running] * 20, deadline=5, seconds=10, latest=30)[::2] == ("timeout", 16)


def test_a_watch_that_begins_anew_ends_no_task_that_runs() -> None:
    unasked, refused = TaskSeen(JOB, asked=False), Refusal("ServerBusy", 503, "")
    begun = {"executionInfo": {"startTime": "1970-01-01T00:00:01.5000000Z"}}
    running = TaskSeen(JOB, task_view({**wire("a", "running"), **begun}))
    done = TaskSeen(JOB, task_view(wire("a")))
    for first in (unasked, refused):
        assert watched(first, first, running, done, deadline=-5, seconds=20)[0] == "ended"
    # The time that it has counts from its own start, not from when it was seen.
    assert watched(*[unasked] * 4, *[running] * 20, deadline=-5, seconds=10)[::2] == ("timeout", 12)
    # What nobody can see is not waited for without end.
    assert watched(*[refused] * 40, deadline=5, seconds=10, latest=30)[::2] == ("timeout", 16)
    assert watched(*[refused] * 40, deadline=5, seconds=math.inf, latest=30)[::2] == ("expired", 31)
    assert watched(*[unasked] * 3, TaskSeen(JOB), deadline=2, seconds=10)[::2] == ("unstarted", 4)


def test_a_member_that_starts_in_time_has_the_time_for_all() -> None:
    assert member_watch("j", "a", 9.0, None) == member_watch("j", "a", 9.0, 9.0) == TaskWatch("j", "a", 9.0)
    watch = member_watch("j", "a", 9.0, 5.0)
    assert (watch.deadline, watch.end_by(3.0)) == (5.0, 9.0)
    assert watch.late(5.0, waits=True) == "unstarted"
    assert watch.late(9.0, waits=False) == "expired"
    running = TaskSeen(JOB, task_view(wire("a", "running")))
    assert watched(*[running] * 20, deadline=5, seconds=math.inf, latest=9)[::2] == ("expired", 10)


def test_a_task_that_is_gone_is_not_waited_for() -> None:
    def missing(operation: str, *asked: Any) -> Any:
        if operation == "get_task":
            raise Refusal("TaskNotFound", 404, "no")
        return {"id": "j", "state": "active"}

    assert watched(Scripted(missing).run(see_task("j", "a")))[0] == "ended"


def test_what_a_task_writes_is_asked_for_by_turns_and_at_its_end() -> None:
    asked: list[float] = []

    def answer(path: str, *rest: Any) -> Any:
        asked.append(service.now)
        raise Refusal("FileNotFound", 404, "no")

    running = TaskSeen(JOB, task_view(wire("a", "running")))
    done = TaskSeen(JOB, task_view({**wire("a"), "nodeInfo": {"nodeId": "n1"}}))
    service = Scripted(answer, looks=[running] * 10 + [done])
    rations = Rations(lambda: service.now)
    for _ in range(100):  # as many others read, too
        rations.output.turn(2)
    service.run(watch_task(TaskWatch("j", "a"), Follower("j", True), lambda: service.now, rations))
    assert asked == [11.0, 11.0]


def test_a_look_that_fails_is_told_once_and_fails_no_task() -> None:
    busy = Refusal("ServerBusy", 503, "busy", transient=True)
    ending, said, _ = watched(busy, busy, TaskSeen(JOB), TaskSeen(ENDED_JOB))
    assert ending == "ended"
    assert [line.partition(" (")[0] for line in said] == [
        "Azure Batch could not be asked",
        "Azure Batch answers again",
    ]


class Client:
    """An asynchronous client of two jobs, one of many tasks; counts requests."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def list_jobs(self, **options: Any) -> AsyncIterator[dict[str, Any]]:
        self.requests.append("list_jobs")
        return _pages([{"id": job_id, "state": "active"} for job_id in ("j", "k")])

    async def get_job(self, job_id: str, **options: Any) -> dict[str, Any]:
        self.requests.append("get_job")
        return {"id": job_id, "state": "active"}

    def list_tasks(self, job_id: str, **options: Any) -> AsyncIterator[dict[str, Any]]:
        self.requests.append(f"list_tasks {job_id}")
        return _pages([wire(f"t{n}") for n in range(0, 200, 2)])

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Client]:
        yield self


async def _pages(items: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for item in items:
        yield item


async def test_two_hundred_watched_tasks_of_a_job_cost_one_request_a_round() -> None:
    client = Client()
    poller = JobPoller(client.opened, 0.01)
    async with poller.session():
        looks = [poller.look_at_task("j", f"t{n}") for n in range(200)]
        *seen, other = await asyncio.gather(*looks, poller.look("k"))
    assert client.requests == ["list_jobs", "list_tasks j"]
    assert [seen.task is not None for seen in seen] == [True, False] * 100
    assert all(seen.job.id == "j" for seen in seen)
    assert other.id == "k"


def test_a_task_behind_others_of_its_job_is_told_so_until_it_runs() -> None:
    def answer(operation: str, arguments: Any, options: Any) -> Any:
        return {
            "get_job": {"id": "j", "state": "active", "executionInfo": {"poolId": "p"}},
            "get_task": wire("a", "active" if service.now < 60 else "running"),
            "get_job_task_counts": {"taskCounts": {"active": 1, "running": 2}},
            "list_job_preparation_and_release_task_status": [],
            "list_tasks": [wire("b", "running"), wire("c", "running")],
        }[operation]

    service, reasons = Scripted(answer), []
    idle = IdleTasks(Rations(lambda: service.now))
    for _ in range(70):
        service.now += 1
        reasons.append(service.run(see_alone("j", "a", idle)).idle)
    told = [reason for reason in reasons if reason is not None]
    assert set(told) == {OTHERS_RUN}
    assert 40 < len(told) < 60
    assert reasons[-1] is None
    assert service.asked.count("get_job_task_counts") < 15
