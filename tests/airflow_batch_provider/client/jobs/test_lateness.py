"""How late the end of a job is noticed, in hours that pass at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from airflow_batch_provider.client.jobs.watching import Watch, watch_job
from airflow_batch_provider.client.requests.drive import AsyncDriver
from airflow_batch_provider.client.requests.job_requests import TRIES, backoff
from airflow_batch_provider.client.watching.pace import LONGEST
from airflow_batch_provider.client.watching.poller import JobPoller
from airflow_batch_provider.client.watching.streams import Follower
from tests.airflow_batch_provider.client.virtual_time import run_in_virtual_time

HOUR = 3_600.0
JITTER = 1.1


class Service:
    """Jobs that end at their moment; it is away between two others."""

    def __init__(self, ends: dict[str, float], away: tuple[float, float] = (0.0, 0.0)) -> None:
        self.ends = ends
        self.away = away
        self.requests = 0

    def _answer(self) -> float:
        self.requests += 1
        now = asyncio.get_running_loop().time()
        if self.away[0] <= now < self.away[1]:
            error = HttpResponseError("the service is unavailable")
            error.status_code = 503
            raise error
        return now

    def list_jobs(self, **options: Any) -> AsyncIterator[dict[str, Any]]:
        now = self._answer()

        async def pages() -> AsyncIterator[dict[str, Any]]:
            for job_id, end in self.ends.items():
                if now < end:
                    yield {"id": job_id, "state": "active"}

        return pages()

    async def get_job(self, job_id: str, **options: Any) -> dict[str, Any]:
        return {"id": job_id, "state": "completed" if self._answer() >= self.ends[job_id] else "active"}

    async def get_job_task_counts(self, job_id: str, **options: Any) -> dict[str, Any]:
        self._answer()
        return {"taskCounts": {"running": 1}}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Service]:
        yield self


async def latest(service: Service, longest: float = LONGEST) -> float:
    """Seconds after its end at which the end of a job was noticed, the longest of all."""
    now = asyncio.get_running_loop().time
    poller = JobPoller(service.opened, longest)

    async def late(job_id: str) -> float:
        async with poller.session() as client:
            driver = AsyncDriver(client, lambda say: None, look=poller.look)
            script = watch_job(Watch(job_id, 1), Follower(job_id, False), now, poller.rations)
            assert await driver.run(script) == "ended"
        return now() - service.ends[job_id]

    return max(await asyncio.gather(*map(late, service.ends)))


def ends(count: int, within: float) -> dict[str, float]:
    moments = random.Random(174)
    return {f"job-{number}": moments.uniform(0.0, within) for number in range(count)}


@pytest.mark.parametrize(
    ("count", "within", "longest"),
    [(1, 30 * HOUR, LONGEST), (20, 5 * HOUR, 60.0), (1_000, HOUR / 6, LONGEST)],
)
def test_pain_174_an_end_is_noticed_within_one_poll_interval(
    count: int, within: float, longest: float
) -> None:
    service = Service(ends(count, within))
    assert run_in_virtual_time(latest(service, longest)) <= longest * JITTER


def test_an_end_in_an_hour_without_an_answer_is_noticed_soon_after_it() -> None:
    service = Service({"job": 1_000.0}, away=(900.0, 900.0 + HOUR))
    longest_pause = max(LONGEST * JITTER, backoff(TRIES - 2))
    assert run_in_virtual_time(latest(service)) <= 900.0 + HOUR - 1_000.0 + longest_pause
