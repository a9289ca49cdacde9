"""Nothing is answered, shown or done before it is durable; events and time reach the rules."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.journal import Journal, JournalError
from batch_emulator.runtime.engine import Engine
from batch_emulator.service.account import Account
from batch_emulator.service.effects import BootNode, Effect, KillRun, StartRun
from batch_emulator.service.errors import BatchError
from batch_emulator.service.events import NodeBooted, RunEnded
from batch_emulator.service.service import BatchService
from tests.batch_emulator.nodes.waiting import until

POOL: dict[str, Any] = {
    "id": "p",
    "vmSize": "standard_d2s_v3",
    "targetDedicatedNodes": 1,
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
    },
}
JOB: dict[str, Any] = {"id": "j", "poolInfo": {"poolId": "p"}}


class Bench:
    """An engine with the real rules and journal; the effects only noted, with what was durable then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.effects: list[Effect] = []
        self.durable_at: list[set[tuple[str, str]]] = []
        self.journal = Journal.open(folder, "acc")
        service = BatchService.restore(Account("acc"), self.journal.load(), seed=1)
        self.engine = Engine(service, self.journal, lambda: self.now)
        self.engine.connect(self)

    def carry_out(self, effect: Effect) -> None:
        self.effects.append(effect)
        self.durable_at.append(self.on_disk())

    def on_disk(self) -> set[tuple[str, str]]:
        with sqlite3.connect(self.folder / "journal.sqlite") as reader:
            return set(reader.execute("SELECT kind, key FROM records"))

    def of(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    async def boot(self) -> BootNode:
        await self.engine.execute(lambda service, now: service.create_pool(POOL, now))
        (boot,) = self.of(BootNode)
        self.engine.post(NodeBooted(boot.pool_id, boot.node_id, boot.boot_id, "10.0.0.4"))
        return boot  # type: ignore[no-any-return]

    async def start(self, **task: Any) -> StartRun:
        await self.boot()
        await self.engine.execute(lambda service, now: service.create_job(JOB, now))
        spec = {"id": "t", "commandLine": "/bin/true", **task}
        await self.engine.execute(lambda service, now: service.create_task("j", spec, now))
        await until(lambda: self.of(StartRun), "the start of the task")
        return self.of(StartRun)[0]  # type: ignore[no-any-return]

    async def state(self) -> str:
        return await self.engine.read(lambda service, now: service.task("j", "t").state)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.engine.recover()
    yield bench
    await bench.engine.stop()


async def test_a_command_is_answered_after_its_changes_are_on_disk(bench: Bench) -> None:
    pool = await bench.engine.execute(lambda service, now: service.create_pool(POOL, now))
    assert pool.id == "p"
    assert ("pool", "p") in bench.on_disk()


async def test_an_effect_is_carried_out_after_its_changes_are_on_disk(bench: Bench) -> None:
    await bench.engine.execute(lambda service, now: service.create_pool(POOL, now))
    assert bench.of(BootNode)
    assert all(("pool", "p") in durable for durable in bench.durable_at)


async def test_a_refused_command_changes_nothing(bench: Bench) -> None:
    await bench.engine.execute(lambda service, now: service.create_pool(POOL, now))
    before = bench.on_disk(), len(bench.effects)
    with pytest.raises(BatchError, match="PoolExists"):
        await bench.engine.execute(lambda service, now: service.create_pool(POOL, now))
    assert (bench.on_disk(), len(bench.effects)) == before


async def test_a_read_shows_only_what_is_durable(bench: Bench) -> None:
    command = asyncio.create_task(bench.engine.execute(lambda service, now: service.create_pool(POOL, now)))
    await asyncio.sleep(0)  # the command is applied, its commit under way
    assert await bench.engine.read(lambda service, now: [pool.id for pool in service.pools()]) == ["p"]
    assert ("pool", "p") in bench.on_disk()
    await command


async def test_a_client_that_hangs_up_does_not_stop_its_command(bench: Bench) -> None:
    command = asyncio.create_task(bench.engine.execute(lambda service, now: service.create_pool(POOL, now)))
    await asyncio.sleep(0)
    command.cancel()
    await asyncio.gather(command, return_exceptions=True)
    await until(lambda: bench.of(BootNode))
    assert ("pool", "p") in bench.on_disk()


async def test_events_lead_to_effects_and_to_the_end_of_a_task(bench: Bench) -> None:
    run = await bench.start()
    assert run.task_root == "workitems/j/job-1/t"
    assert await bench.state() == "running"
    bench.engine.post(RunEnded(run.run_id, bench.now, exit_code=0))
    await until(lambda: b"completed" in task_record(bench))
    assert await bench.state() == "completed"


def task_record(bench: Bench) -> bytes:
    with sqlite3.connect(bench.folder / "journal.sqlite") as reader:
        ((record,),) = reader.execute("SELECT record FROM records WHERE kind = 'task'")
        assert isinstance(record, bytes)
        return record


async def test_time_reaches_the_rules(bench: Bench) -> None:
    run = await bench.start(constraints={"maxWallClockTime": "PT10M"})
    bench.now += timedelta(minutes=9)
    bench.engine.clock_moved()
    await asyncio.sleep(0)
    assert bench.of(KillRun) == []
    bench.now += timedelta(minutes=2)
    bench.engine.clock_moved()
    await until(lambda: bench.of(KillRun))
    assert bench.of(KillRun)[0].run_id == run.run_id


async def test_a_restart_takes_up_the_work(bench: Bench, tmp_path: Path) -> None:
    run = await bench.start()
    await bench.engine.stop()
    again = Bench(tmp_path)
    await again.engine.recover()
    for boot in again.of(BootNode):
        again.engine.post(NodeBooted(boot.pool_id, boot.node_id, boot.boot_id, "10.0.0.4"))
    await until(lambda: again.of(StartRun), "the second start of the task")
    assert again.of(StartRun)[0].run_id != run.run_id
    await again.engine.stop()


async def test_when_the_journal_fails_nothing_is_answered_or_done(bench: Bench, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("CREATE TRIGGER no_more BEFORE INSERT ON records BEGIN SELECT RAISE(FAIL, 'disk'); END")
    with pytest.raises(JournalError, match="Make room"):
        await bench.engine.execute(lambda service, now: service.create_pool(POOL, now))
    assert bench.effects == []
    assert isinstance(bench.engine.failed.exception(), JournalError)
    with pytest.raises(JournalError):
        await bench.engine.execute(lambda service, now: service.create_job(JOB, now))
