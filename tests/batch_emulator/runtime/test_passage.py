"""Time that is moved waits for real work: for nodes that are started, and a little for processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.journal import Journal
from batch_emulator.nodes.under_way import START_SECONDS, UnderWay
from batch_emulator.runtime.clock import Clock, Timers
from batch_emulator.runtime.engine import Engine
from batch_emulator.runtime.passage import Passage
from batch_emulator.service.account import Account
from batch_emulator.service.effects import BootNode, Effect, KillRun, ReleaseNode, StartRun
from batch_emulator.service.events import Event, NodeBooted, NodeReleased, RunEnded
from batch_emulator.service.service import BatchService
from tests.batch_emulator.runtime.test_engine import JOB, POOL

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
DAY = 86_400.0
TURNS = 3
BOSS = {"id": "boss", "commandLine": "/bin/true"}
EVERY_MINUTE: dict[str, Any] = {
    "id": "s",
    "schedule": {"recurrenceInterval": "PT1M"},
    "jobSpecification": {"poolInfo": {"poolId": "p"}, "jobManagerTask": BOSS},
}


class Bench:
    """The real rules and journal on a clock that stands; work takes turns of the loop, or never ends.

    :ivar real: what real time is each time somebody asks; it stands, unless a test lets it go.
    """

    def __init__(self, folder: Path) -> None:
        self.real: Iterator[float] = repeat(0.0)
        self.exit_code = 0
        self.endless: tuple[type[Effect], ...] = ()
        self.clock = Clock(NOON)
        self.under_way = UnderWay(lambda: next(self.real))
        journal = Journal.open(folder, "acc")
        self.service = BatchService.restore(Account("acc"), journal.load(), seed=1)
        self.engine = Engine(self.service, journal, self.clock)
        self.engine.connect(self)
        self.passage = Passage(self.clock, self.engine, Timers(self.clock), self.under_way)

    def carry_out(self, effect: Effect) -> None:
        if isinstance(effect, BootNode):
            self.under_way.start_began(effect.boot_id)
            names = (effect.pool_id, effect.node_id, effect.boot_id)
            self.later(effect, effect.boot_id, NodeBooted(*names, "10.0.0.4"))
        elif isinstance(effect, StartRun):
            self.under_way.run_began(effect.run_id)
            ended = RunEnded(effect.run_id, self.clock(), exit_code=self.exit_code)
            self.later(effect, effect.run_id, ended)
        elif isinstance(effect, KillRun):
            self.engine.post(RunEnded(effect.run_id, self.clock(), exit_code=137, killed=True))
        elif isinstance(effect, ReleaseNode):
            self.engine.post(NodeReleased(effect.pool_id, effect.node_id, effect.boot_id))

    def later(self, effect: Effect, work: str, event: Event, turns: int = TURNS) -> None:
        if isinstance(effect, self.endless):
            return
        if turns:
            asyncio.get_running_loop().call_soon(self.later, effect, work, event, turns - 1)
            return
        self.engine.post(event)
        self.under_way.ended(work)

    async def do(self, command: Callable[[BatchService, datetime], Any]) -> None:
        await self.engine.execute(command)

    async def advance(self, seconds: float, settle: float = 1.0) -> None:
        await asyncio.wait_for(self.passage.advance(seconds, settle=settle), 60)

    def errors(self) -> list[str]:
        return [error["code"] for error in self.service.pool("p").resize_errors]

    def nodes(self) -> list[str]:
        return [node.state for node in self.service.nodes("p")]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.passage.stop()
    await bench.engine.stop()


async def test_a_node_that_is_being_started_is_waited_for(bench: Bench) -> None:
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    assert bench.nodes() == ["creating"]
    await bench.advance(DAY)
    assert (bench.nodes(), bench.errors()) == (["idle"], [])


async def test_a_node_that_never_starts_is_waited_for_as_long_as_the_service_would(bench: Bench) -> None:
    bench.endless = (BootNode,)
    bench.real = count(0.0, START_SECONDS / 20)
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    await bench.advance(DAY)
    assert (bench.nodes(), bench.errors()) == ([], ["AllocationTimedout"])


async def test_no_occurrence_of_a_schedule_is_lost_whose_job_ends_soon(bench: Bench) -> None:
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    await bench.do(lambda service, now: service.create_job_schedule(EVERY_MINUTE, now))
    await bench.advance(3600)
    assert [job.state for job in bench.service.jobs()] == ["completed"] * 61


async def test_a_long_task_does_not_hold_time(bench: Bench) -> None:
    bench.endless = (StartRun,)
    bench.real = count(0.0, 0.25)
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    await bench.do(lambda service, now: service.create_job_schedule(EVERY_MINUTE, now))
    await bench.advance(DAY)
    assert bench.clock() == NOON + timedelta(seconds=DAY)
    assert [job.state for job in bench.service.jobs()] == ["active"]


async def test_tasks_that_come_without_end_hold_time_no_longer_than_one(bench: Bench) -> None:
    bench.real = count(0.0, 0.05)
    again = {"id": "t", "commandLine": "/bin/true", "constraints": {"maxTaskRetryCount": -1}}
    bench.exit_code = 1
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    await bench.do(lambda service, now: service.create_job(JOB, now))
    await bench.do(lambda service, now: service.create_task("j", again, now))
    await bench.advance(3600)
    assert bench.clock() == NOON + timedelta(hours=1)
    assert bench.service.task("j", "t").retry_count > 0


async def test_without_settling_processes_are_not_waited_for(bench: Bench) -> None:
    bench.endless = (StartRun,)
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    await bench.do(lambda service, now: service.create_job_schedule(EVERY_MINUTE, now))
    await bench.advance(DAY, settle=0)
    assert bench.clock() == NOON + timedelta(seconds=DAY)


async def test_whoever_stops_the_emulator_does_not_wait(bench: Bench) -> None:
    bench.endless = (BootNode,)
    await bench.do(lambda service, now: service.create_pool(POOL, now))
    passing = asyncio.ensure_future(bench.advance(DAY))
    await asyncio.sleep(0)
    assert not passing.done()
    bench.passage.stop()
    await asyncio.wait_for(passing, 60)
