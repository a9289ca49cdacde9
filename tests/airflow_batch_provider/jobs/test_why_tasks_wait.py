"""Those who watch single tasks learn why theirs waits: by one look for all of a job, on a real emulator."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.batch.aio import BatchClient as AsyncBatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.requests.drive import AsyncDriver
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.client.tasks.member_run import MemberRun
from airflow_batch_provider.client.tasks.single_task_run import SingleTaskRun
from airflow_batch_provider.client.tasks.task_watch import TaskWatch, waiting_of, watch_task
from airflow_batch_provider.client.tasks.time_limits import TimeLimits
from airflow_batch_provider.client.watching.poller import JobPoller
from airflow_batch_provider.client.watching.streams import Follower
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.official import OfficialTask
from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.conftest import make_pool
from tests.airflow_batch_provider.jobs.test_why_idle import end, make_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MEMBERS = 10


class Counted:
    """The client, which counts what is asked of it."""

    def __init__(self, client: Any, asked: Counter[str]) -> None:
        self._client, self._asked = client, asked

    def __getattr__(self, name: str) -> Any:
        self._asked[name] += 1
        return getattr(self._client, name)


def member(batch: BatchClient, measure: Callable[[Outcome], None] = lambda outcome: None) -> MemberRun:
    graph = JobGraph().task("t0", "/bin/true").graph
    return MemberRun(graph, batch, None, logging.getLogger("member"), measure=measure)


def watch(run: MemberRun, job_id: str, seconds: float) -> tuple[str, str]:
    return run.wait(TaskWatch(job_id, "t0", time.time() + seconds), Follower(job_id, False))


async def test_pain_047_all_members_of_a_job_are_told_why_they_wait_by_one_look(
    batch: BatchClient, empty_pool: str, emulator: BatchAccount
) -> None:
    job_id = await asyncio.to_thread(partial(make_job, batch, empty_pool, tasks=MEMBERS))
    asked: Counter[str] = Counter()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        credential = AzureNamedKeyCredential(emulator.name, emulator.key)
        async with AsyncBatchClient(emulator.endpoint, credential) as client:
            yield Counted(client, asked)

    poller, told = JobPoller(opened, 0.2), asyncio.Event()
    waiting = [waiting_of(f"t{number}") for number in range(MEMBERS)]
    lines: list[Say] = []

    def say(line: Say) -> None:
        lines.append(line)
        if len(lines) == MEMBERS:
            told.set()

    async with poller.session() as client:
        watches = []
        for number, each in enumerate(waiting):
            driver = AsyncDriver(client, say, look=partial(poller.look_at_task, task_id=f"t{number}"))
            task = TaskWatch(job_id, f"t{number}")
            script = watch_task(task, Follower(job_id, False), time.time, poller.rations, each)
            watches.append(asyncio.create_task(driver.run(script)))
        await asyncio.wait_for(told.wait(), 60)
        for watching in watches:
            watching.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    assert {line.text for line in lines} == {
        f"Batch task t{number} waits: pool {empty_pool} has no nodes, and its target is 0. "
        "Next step: resize the pool."
        for number in range(MEMBERS)
    }
    assert {line.level for line in lines} == {"warning"}
    assert asked["get_pool"] == asked["list_nodes"] == 1
    assert asked["get_job_task_counts"] <= 3
    end(batch, job_id)


def test_a_members_timeout_tells_why_it_did_not_run(batch: BatchClient, empty_pool: str) -> None:
    job_id = make_job(batch, empty_pool)
    run = member(batch)
    ending, reason = watch(run, job_id, 8)
    assert ending == "timeout"
    error = run.end_late(job_id, reason)
    assert f"It did not run in the end: pool {empty_pool} has no nodes, and its target is 0." in str(error)
    assert "Next step: resize the pool." in str(error)
    end(batch, job_id)


def test_a_member_whose_job_no_node_can_be_prepared_for_ends_the_job(batch: BatchClient) -> None:
    pool_id = make_pool(batch, nodes=1, slots=1)
    command = "/bin/sh -c 'echo no licence >&2; exit 7'"
    job_id = make_job(batch, pool_id, jobPreparationTask={"commandLine": command, "waitForSuccess": True})
    outcomes: list[Outcome] = []
    run = member(batch, outcomes.append)
    ending, reason = watch(run, job_id, 90)
    assert ending == "unprepared"
    error = run.unprepared(job_id, reason)
    assert error.layer == "node_start"
    (outcome,) = outcomes
    assert outcome.job is not None
    assert outcome.job.pool_id == pool_id
    for part in ("exit code 7", "no licence", "is being ended", "correct preparation"):
        assert part in str(error)
    job: Any = batch.get_job(job_id)
    assert job["executionInfo"]["terminateReason"] == "AirflowPreparationFailed"


LIMITS = TimeLimits(start=timedelta(seconds=90), run=timedelta(minutes=5))


def test_the_official_operators_task_is_ended_when_no_node_can_be_prepared_for_its_job(
    batch: BatchClient,
) -> None:
    task = OfficialTask(
        identity=JobIdentity("d", uuid.uuid4().hex, "t"),
        job_id=f"official-{uuid.uuid4().hex[:8]}",
        task_id="t0",
        pool_id=make_pool(batch, nodes=1, slots=1),
        command="/bin/true",
        timeout=timedelta(minutes=5),
        job={"jobPreparationTask": {"commandLine": "/bin/sh -c 'exit 7'", "waitForSuccess": True}},
        task={},
    )
    log = logging.getLogger("official")
    outcomes: list[Outcome] = []
    run = SingleTaskRun(
        task, batch, log, lambda job_id, task_id: None, LIMITS, longest=1.0, measure=outcomes.append
    )
    claim = run.claim()
    event = run.wait(run.watch(claim))
    assert event["ending"] == "unprepared"
    with pytest.raises(BatchJobFailedError, match="exit code 7") as told:
        run.finish(event)
    assert told.value.layer == "node_start"
    assert batch.get_task(claim.job_id, claim.task_id).state == "completed"
    with pytest.raises(BatchJobTimeoutError, match="It did not run in the end: the job preparation task"):
        run.finish({**event, "ending": "timeout"})
    assert [(each.cause, each.job and each.job.pool_id) for each in outcomes] == [
        (Layer.NODE_START, task.pool_id),
        (Layer.WALL_CLOCK, task.pool_id),
    ]
