"""The account's time: it goes, it is moved, and what is due is done in its order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from batch_emulator.runtime.clock import Clock, Timers
from tests.batch_emulator.nodes.waiting import until

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def test_a_clock_that_stands_is_moved_forward_only() -> None:
    clock = Clock(NOON)
    assert (clock.is_stopped, clock()) == (True, NOON)
    clock.move_to(NOON + MINUTE)
    clock.move_to(NOON)
    assert clock() == NOON + MINUTE


def test_a_clock_that_goes_is_the_machines_and_may_be_ahead() -> None:
    clock = Clock()
    assert not clock.is_stopped
    assert abs(clock() - datetime.now(timezone.utc)) < MINUTE
    clock.move_to(clock() + timedelta(days=3))
    assert abs(clock() - datetime.now(timezone.utc) - timedelta(days=3)) < MINUTE
    assert clock() <= clock()


async def test_what_is_due_is_done_in_order_and_once() -> None:
    clock = Clock(NOON)
    timers = Timers(clock)
    done: list[str] = []
    timers.call_later(120, lambda: done.append("second"))
    timers.call_later(60, lambda: done.append("first"))
    timers.call_later(90, lambda: done.append("never")).cancel()
    assert timers.next_due() == NOON + MINUTE
    timers.look()
    assert done == []
    clock.move_to(NOON + 5 * MINUTE)
    timers.look()
    timers.look()
    assert done == ["first", "second"]
    assert timers.next_due() is None


async def test_what_is_made_while_it_looks_is_done_if_due() -> None:
    clock = Clock(NOON)
    timers = Timers(clock)
    done: list[str] = []
    timers.call_later(1, lambda: timers.call_later(0, lambda: done.append("now")) and None)
    timers.call_later(1, lambda: timers.call_later(9, lambda: done.append("later")) and None)
    clock.move_to(NOON + timedelta(seconds=1))
    timers.look()
    assert done == ["now"]
    assert timers.next_due() == NOON + timedelta(seconds=10)


async def test_with_a_clock_that_goes_it_happens_by_itself() -> None:
    done: list[str] = []
    timers = Timers(Clock())
    timers.call_later(3600, lambda: done.append("in an hour"))
    timers.call_later(0.01, lambda: done.append("soon"))
    await until(lambda: done)
    assert done == ["soon"]
    timers.cancel()
    assert timers.next_due() is None
    await asyncio.sleep(0)
