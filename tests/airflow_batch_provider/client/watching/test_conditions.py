"""When a sensor's wait is over, told from what was seen."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_reading import Observation
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.requests.records import JobView, TaskCounts, TaskView
from airflow_batch_provider.client.watching.conditions import (
    BLOBS_RETURNED,
    BlobCondition,
    Condition,
    JobCondition,
    NodeCountCondition,
    PoolCondition,
    TaskCondition,
    from_plain,
    to_plain,
)
from airflow_batch_provider.client.watching.subjects import BlobSeen, BlobsSeen, BlobSubject, JobSeen

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)


def job(state: str = "completed", reason: str | None = None, **counts: int) -> JobSeen:
    return JobSeen(JobView("j", state, reason), TaskCounts(**counts) if counts else None)


def pool(current: int = 1, target: int = 1, state: str = "active", allocation: str = "steady") -> PoolView:
    return PoolView("p", state, allocation, current, target, False)


def nodes(*states: str) -> Observation:
    return Observation(
        pool(len(states), len(states)), tuple(NodeView(f"n{at}", state) for at, state in enumerate(states))
    )


@pytest.mark.parametrize(
    ("seen", "expect", "status"),
    [
        (job("active"), "success", "wait"),
        (job("terminating"), "end", "wait"),
        (job(reason="AllTasksComplete", completed=2, succeeded=2), "success", "met"),
        (job(reason="UserTerminate", completed=2, succeeded=2), "success", "met"),
        (job(reason="AllTasksComplete", completed=2, succeeded=1, failed=1), "success", "failed"),
        (job(reason="UserTerminate", completed=1, succeeded=1, active=1), "success", "failed"),
        (job(reason="MaxWallClockTimeExpiry", completed=2, succeeded=2), "success", "failed"),
        (job(reason="TaskFailed", completed=2, succeeded=1, failed=1), "end", "met"),
        (JobSeen(None), "success", "failed"),
    ],
)
def test_a_job_is_waited_for(seen: JobSeen, expect: Any, status: str) -> None:
    reading = JobCondition("j", expect).judge(seen)
    assert reading.status == status
    if status == "failed":
        assert "Next step:" in str(reading.explanation)


@pytest.mark.parametrize(
    ("state", "succeeded", "expect", "status"),
    [
        ("active", None, "start", "wait"),
        ("preparing", None, "start", "wait"),
        ("running", None, "start", "met"),
        ("completed", False, "start", "met"),
        ("running", None, "success", "wait"),
        ("completed", True, "success", "met"),
        ("completed", False, "success", "failed"),
        ("completed", False, "end", "met"),
    ],
)
def test_a_task_is_waited_for(state: str, succeeded: bool | None, expect: Any, status: str) -> None:
    assert TaskCondition("j", "t", expect).judge(TaskView("t", state, succeeded)).status == status


@pytest.mark.parametrize(
    ("condition", "nothing"),
    [
        (JobCondition("j", may_be_missing=True), JobSeen(None)),
        (TaskCondition("j", "t", may_be_missing=True), None),
        (PoolCondition("p", may_be_missing=True), Observation(None)),
        (NodeCountCondition("p", may_be_missing=True), Observation(None)),
        (BlobCondition("container", ""), BlobsSeen(None, NOW)),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_does_not_exist_yet_can_be_waited_for(condition: Any, nothing: Any) -> None:
    reading = condition.judge(nothing)
    assert reading.status == "wait"
    assert "not exist yet" in reading.line


def test_a_pool_that_is_gone_or_steady() -> None:
    gone = PoolCondition("p", "gone")
    assert gone.judge(Observation(pool(state="deleting"))).status == "wait"
    assert gone.judge(Observation(None)).status == "met"
    steady = PoolCondition("p")
    assert steady.judge(Observation(pool(allocation="resizing"))).status == "wait"
    assert steady.judge(Observation(pool())).status == "met"


def test_nodes_are_counted_by_state_and_never_all_of_them_waited_for() -> None:
    assert NodeCountCondition("p").judge(nodes("starting", "starting")).status == "wait"
    assert NodeCountCondition("p").judge(nodes("running", "starting")).value == 1
    empty = NodeCountCondition("p", 0, 0, ("idle", "running"))
    assert empty.judge(nodes("running")).status == "wait"
    assert empty.judge(nodes()).status == "met"
    assert NodeCountCondition("p", 2, states=("idle",)).judge(nodes("idle", "running")).status == "wait"


def test_nodes_that_cannot_come_fail_the_wait_with_the_cause() -> None:
    reading = NodeCountCondition("p").judge(nodes("starttaskfailed"))
    assert reading.status == "failed"
    assert "start task" in str(reading.explanation)


def blobs(*ages: float) -> BlobsSeen:
    made = (BlobSeen(f"in/{at}", 5, NOW - dt.timedelta(seconds=age)) for at, age in enumerate(ages))
    return BlobsSeen(tuple(made), NOW)


def test_blobs_are_settled_when_none_has_changed_for_a_time() -> None:
    condition = BlobCondition("container", "in/", at_least=2, settled_for=30)
    assert condition.judge(blobs(99)).status == "wait"
    assert condition.judge(blobs(99, 10)).status == "wait"
    assert condition.judge(blobs(99, 30)).value == ["container/in/0", "container/in/1"]
    assert BlobCondition("container", "in/").judge(blobs(0)).status == "met"
    many = BlobCondition("container", "in/").judge(blobs(*range(BLOBS_RETURNED + 5)))
    assert len(many.value) == BLOBS_RETURNED


class Listing:
    """A storage account whose client takes long over a page, without a pause."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str] = []
        self.read = threading.Event()

    def get_container_client(self, name: str) -> Listing:
        return self

    async def list_blobs(self, *, name_starts_with: str, raw_response_hook: Any) -> AsyncIterator[Any]:
        assert self.read.wait(10)
        self.asked.append(name_starts_with)
        for name in self.names:
            yield SimpleNamespace(name=name, size=1, last_modified=NOW)


@pytest.mark.parametrize(
    ("subject", "asked", "found"),
    [
        (BlobSubject("container", "in/", "part-*.csv"), "in/part-", [0]),
        (BlobSubject("container", "in/"), "in/", [0, 1, 2]),
        (BlobSubject("container", "in/part-2.txt", ""), "in/part-2.txt", [1]),
    ],
)
async def test_blobs_are_picked_by_prefix_and_pattern_and_keep_the_triggerer_from_nothing(
    subject: BlobSubject, asked: str, found: list[int]
) -> None:
    listing = Listing("in/part-1.csv", "in/part-2.txt", "in/deep/part-3.csv")
    looking = asyncio.create_task(subject.asee(listing))
    await asyncio.sleep(0)
    listing.read.set()

    seen = await looking

    assert [blob.name for blob in seen.blobs or ()] == [listing.names[at] for at in found]
    assert listing.asked == [asked]


@pytest.mark.parametrize(
    "condition",
    [
        JobCondition("j", "end", True),
        TaskCondition("j", "t", "start"),
        PoolCondition("p", "gone"),
        NodeCountCondition("p", 2, 3, ("idle",)),
        BlobCondition("container", "in/", "*.csv", 2, 1.5),
    ],
    ids=lambda condition: condition.kind,
)
def test_a_condition_comes_back_from_its_plain_form(condition: Condition) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(condition)))) == condition
