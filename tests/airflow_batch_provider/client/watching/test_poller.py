from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from airflow_batch_provider.client.requests.drive import AsyncDriver, Driver, refusal_of
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Call, Refusal, Say, Script, Together
from airflow_batch_provider.client.watching.pace import Pace
from airflow_batch_provider.client.watching.poller import JobPoller, shared_poller
from airflow_batch_provider.client.watching.polls import TaskSeen
from airflow_batch_provider.client.watching.ration import LONGEST_TASKS, TASKS_PER_SECOND
from airflow_batch_provider.client.watching.subjects import JobSubject
from tests.airflow_batch_provider.client.virtual_time import run_in_virtual_time


class Client:
    """An asynchronous client whose jobs are a dict; counts requests."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.requests: list[str] = []
        self.fault: Exception | None = None
        self.open = 0
        self.seen_contexts: list[str] = []

    def list_jobs(self, **options: Any) -> AsyncIterator[dict[str, Any]]:
        self._count("list_jobs")
        self.seen_contexts.append(WHO.get("nobody"))
        live = [{"id": job_id, "state": state} for job_id, state in self.jobs.items() if state != "completed"]

        async def pages() -> AsyncIterator[dict[str, Any]]:
            for item in live:
                yield item

        return pages()

    async def get_job(self, job_id: str, **options: Any) -> dict[str, Any]:
        self._count("get_job")
        self.seen_contexts.append(WHO.get("nobody"))
        return {"id": job_id, "state": self.jobs[job_id]}

    def _count(self, operation: str) -> None:
        self.requests.append(operation)
        if self.fault is not None:
            raise self.fault

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Client]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1


WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who")


async def test_all_who_watch_share_one_client_and_one_request() -> None:
    client = Client()
    client.jobs = {f"dag-{n}": "active" for n in range(50)}

    async def watch(job_id: str) -> Any:
        poller = shared_poller("account", client.opened, 0.05)
        async with poller.session() as shared:
            assert shared is client
            return await poller.look(job_id)

    views = await asyncio.gather(*map(watch, client.jobs))
    assert [view.id for view in views] == list(client.jobs)
    assert client.requests.count("list_jobs") <= 2
    assert "get_job" not in client.requests
    assert client.open == 0


async def test_the_client_is_opened_again_after_the_last_has_left() -> None:
    client = Client()
    client.jobs = {"j": "active"}
    poller = JobPoller(client.opened, 0.02)
    for _ in range(2):
        async with poller.session():
            assert client.open == 1
            assert (await poller.look("j")) is not None
        assert client.open == 0


async def test_a_failed_round_is_heard_by_all_who_wait_and_the_next_goes_on() -> None:
    client = Client()
    client.jobs = {"j": "active"}
    client.fault = HttpResponseError("not allowed")
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        with pytest.raises(Refusal):
            await poller.look("j")
        client.fault = None
        view = await poller.look("j")
        assert view is not None
        assert view.state == "active"


async def test_a_bug_in_a_round_does_not_hang_those_who_wait() -> None:
    client = Client()
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        with pytest.raises(KeyError):
            await asyncio.wait_for(poller.look("unknown"), 5)


async def test_the_poll_does_not_log_in_the_name_of_the_task_that_came_first() -> None:
    client = Client()
    client.jobs = {"j": "active"}
    WHO.set("the first task")
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        await poller.look("j")
    assert client.seen_contexts == ["nobody"]


async def test_a_watcher_that_is_cancelled_does_not_disturb_the_others() -> None:
    client = Client()
    client.jobs = {"a": "active", "b": "active"}
    poller = JobPoller(client.opened, 0.05)
    async with poller.session():
        first = asyncio.create_task(poller.look("a"))
        second = asyncio.create_task(poller.look("b"))
        await asyncio.sleep(0)
        first.cancel()
        view = await asyncio.wait_for(second, 5)
        assert view is not None


async def test_a_client_that_cannot_be_opened_is_told_to_who_asked() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[Any]:
        raise ValueError("no connection of that name")
        yield

    poller = JobPoller(broken, 0.02)
    for _ in range(2):
        with pytest.raises(ValueError, match="no connection"):
            async with poller.session():
                pass


def test_the_pace_grows_to_its_ceiling_and_obeys_the_service() -> None:
    pace = Pace(longest=15, uniform=lambda low, high: 1.0)
    periods = [pace.next() for _ in range(30)]
    assert periods[0] == 1.0
    assert periods == sorted(periods)
    assert periods[-1] == 15.0
    assert pace.next(retry_after=40.0) == 40.0
    assert all(0.9 <= Pace().next() <= 1.1 for _ in range(100))


class SyncClient:
    def get_job(self, job_id: str, **options: Any) -> dict[str, Any]:
        if job_id == "lost":
            raise ServiceRequestError("connection refused")
        return {"id": job_id}


def together() -> Script[list[Any]]:
    yield Say("asking")
    answers: list[Any] = yield Together([Call("get_job", ("a",)), Call("get_job", ("lost",))])
    return answers


async def test_both_drivers_carry_out_the_same_script() -> None:
    said: list[Say] = []

    class AsyncClient:
        async def get_job(self, *arguments: Any, **options: Any) -> Any:
            return SyncClient().get_job(*arguments, **options)

    for answers in (
        Driver(SyncClient(), said.append).run(together()),
        await AsyncDriver(AsyncClient(), said.append).run(together()),
    ):
        assert answers[0] == {"id": "a"}
        assert isinstance(answers[1], Refusal)
        assert answers[1].transient
    assert said == [Say("asking")] * 2


def test_what_the_client_raises_is_read_into_code_status_and_patience() -> None:
    error = HttpResponseError("busy")
    error.status_code = 503
    error.error = type("Model", (), {"code": "ServerBusy"})()
    error.response = type("Response", (), {"headers": {"Retry-After": "12"}})()  # type: ignore[assignment]
    refusal = refusal_of(error)
    assert (refusal.code, refusal.status, refusal.transient, refusal.retry_after) == (
        "ServerBusy",
        503,
        True,
        12.0,
    )


@dataclass(frozen=True)
class Sight:
    """Something to look at; counts on the client who has asked."""

    name: str

    def see(self, client: Any) -> str:
        raise AssertionError("only the poller looks here")

    async def asee(self, client: Client) -> str:
        client._count(self.name)
        return f"{self.name} was seen"


async def test_those_who_look_at_the_same_thing_share_one_request() -> None:
    client = Client()
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        seen = await asyncio.gather(*(poller.see(Sight(name)) for name in ("a", "b") for _ in range(20)))
    assert set(seen) == {"a was seen", "b was seen"}
    assert sorted(client.requests) == ["a", "b"]


async def test_what_cannot_be_seen_is_told_to_those_who_look_and_disturbs_no_others() -> None:
    client = Client()
    client.jobs = {"j": "active"}
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        client.fault = ValueError("a bug")
        with pytest.raises(ValueError, match="a bug"):
            await asyncio.wait_for(poller.see(Sight("a")), 5)
        client.fault = None
        assert (await asyncio.wait_for(poller.look("j"), 5)) is not None


async def test_a_job_that_a_sensor_waits_for_is_in_the_one_look_at_all_jobs() -> None:
    client = Client()
    client.jobs = {"a": "active", "b": "active"}
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        seen, _ = await asyncio.gather(poller.see(JobSubject("a")), poller.look("b"))
    assert seen.job.state == "active"
    assert client.requests == ["list_jobs"]


async def test_a_glance_is_answered_by_what_another_has_seen_lately() -> None:
    client = Client()
    poller = JobPoller(client.opened, 0.02)
    async with poller.session():
        first = await poller.glance(Sight("a"))
        assert [await poller.glance(Sight("a")) for _ in range(5)] == [first] * 5
        assert client.requests == ["a"]
    async with poller.session():
        await poller.glance(Sight("a"))
    assert client.requests == ["a", "a"]


def test_many_different_things_are_looked_at_by_turns() -> None:
    async def watch() -> tuple[int, float]:
        client, now = Client(), asyncio.get_running_loop().time
        poller = JobPoller(client.opened, 15.0)

        async def look_on(name: str) -> None:
            while now() < 600.0:
                await poller.see(Sight(name))

        async with poller.session():
            await asyncio.gather(*(look_on(f"sight {number}") for number in range(500)))
        return min(Counter(client.requests).values()), len(client.requests) / now()

    fewest, per_second = run_in_virtual_time(watch())
    assert per_second <= TASKS_PER_SECOND * 1.1
    assert fewest >= 600 // LONGEST_TASKS


def test_a_job_whose_tasks_cannot_be_listed_disturbs_no_other() -> None:
    run_in_virtual_time(look_at_two_jobs_one_of_which_lists_no_tasks())


async def look_at_two_jobs_one_of_which_lists_no_tasks() -> None:
    client = Client()
    client.jobs = {"a": "active", "b": "active"}

    async def get_task(job_id: str, task_id: str, **options: Any) -> dict[str, Any]:
        if job_id == "b":
            raise HttpResponseError("not allowed")
        return {"id": task_id, "state": "running"}

    client.get_task = get_task  # type: ignore[attr-defined]
    poller = JobPoller(client.opened, 1.0)
    async with poller.session():
        for _ in range(2):  # By then each has had its turn.
            seen, refused, view = await asyncio.gather(
                poller.look_at_task("a", "t"),
                poller.look_at_task("b", "t"),
                poller.look("b"),
                return_exceptions=True,
            )
    assert isinstance(seen, TaskSeen)
    assert seen.task is not None
    assert isinstance(refused, Refusal)
    assert isinstance(view, JobView)
