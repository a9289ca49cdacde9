"""Which requests are struck, by rate, count and seed, and what is done before."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.faults import Faults
from batch_emulator.faults.record import DroppedConnection, Latency, RequestRule, ServerError, Throttling
from batch_emulator.faults.requests import RequestFaults
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.interference import Dropped, Overruled


class Bench:
    """Requests, and what became of them."""

    def __init__(self, *rules: RequestRule, seed: int = 1) -> None:
        self.waits: list[float] = []
        self.done = 0
        self.faults = RequestFaults(self.sleep)
        self.faults.set(Faults(seed=seed, requests=rules))

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def answer(self) -> str:
        self.done += 1
        return "answer"

    async def ask(self, operation: str = "get_task") -> str:
        try:
            return await self.faults.around(operation, self.answer)
        except Overruled as fate:
            return f"{fate.error.status} {fate.error.code}{fate.headers.get('Retry-After', '')}"
        except Dropped:
            return "dropped"

    async def fates(self, count: int, operation: str = "get_task") -> list[bool]:
        return [await self.ask(operation) == "answer" for _ in range(count)]


async def test_without_rules_requests_are_answered() -> None:
    assert await Bench().fates(3) == [True] * 3


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (Throttling(), "503 ServerBusy1"),
        (Throttling(status=429, retry_after=7), "429 TooManyRequests7"),
        (Throttling(retry_after=None), "503 ServerBusy"),
        (DroppedConnection(), "dropped"),
        (ServerError(), "500 InternalError"),
        (ServerError(code="OperationTimedOut"), "500 OperationTimedOut"),
        (ServerError(code="ServerBusy"), "503 ServerBusy"),
    ],
)
async def test_before_the_commit_nothing_is_done(rule: RequestRule, answer: str) -> None:
    bench = Bench(rule)
    assert (await bench.ask(), bench.done) == (answer, 0)


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (DroppedConnection(when="afterCommit"), "dropped"),
        (ServerError(when="afterCommit"), "500 InternalError"),
    ],
)
async def test_after_the_commit_all_is_done(rule: RequestRule, answer: str) -> None:
    bench = Bench(rule)
    assert (await bench.ask(), bench.done) == (answer, 1)


async def test_after_the_commit_a_refusal_is_not_heard_either() -> None:
    bench = Bench(ServerError(when="afterCommit"))

    async def refused() -> None:
        raise refusal("ResourceNotFound")

    with pytest.raises(Overruled, match="InternalError"):
        await bench.faults.around("get_task", refused)


async def test_skip_and_times_count_chances() -> None:
    bench = Bench(ServerError(skip=2, times=3))
    assert await bench.fates(8) == [True, True, False, False, False, True, True, True]
    (dice,) = bench.faults.dice
    assert (dice.chances, dice.struck) == (8, 3)


async def test_the_rate_is_kept_and_the_seed_repeats_it() -> None:
    fates = await Bench(Throttling(rate=0.3), seed=4).fates(2000)
    assert 0.25 < fates.count(False) / len(fates) < 0.35
    assert fates == await Bench(Throttling(rate=0.3), seed=4).fates(2000)
    assert fates != await Bench(Throttling(rate=0.3), seed=5).fates(2000)


async def test_polls_do_not_change_what_becomes_of_submissions() -> None:
    alone = await Bench(Throttling(rate=0.5)).fates(20, "create_task")
    bench = Bench(Throttling(rate=0.5))
    among: list[bool] = []
    for _ in range(20):
        await bench.fates(3, "get_job")
        among += await bench.fates(1, "create_task")
    assert among == alone


async def test_rules_speak_of_operations_by_name() -> None:
    bench = Bench(ServerError(operations=("create_*", "get_pool")))
    names = ("create_task", "get_pool", "get_pools", "delete_task")
    assert [await bench.ask(name) == "answer" for name in names] == [False, False, True, True]


async def test_latency_comes_before_other_fates() -> None:
    bench = Bench(Latency(seconds=2, jitter=1), ServerError(times=1))
    answers: list[Any] = [await bench.ask() for _ in range(50)]
    assert answers == ["500 InternalError"] + ["answer"] * 49
    assert len(bench.waits) == 50
    assert 2 <= min(bench.waits) < 2.2
    assert 2.8 < max(bench.waits) <= 3


async def test_the_first_rule_that_ends_a_request_is_its_fate() -> None:
    bench = Bench(ServerError(times=1), Throttling())
    assert [await bench.ask() for _ in range(2)] == ["500 InternalError", "503 ServerBusy1"]
