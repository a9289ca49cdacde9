"""The service is woken at the times it asked for."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from batch_emulator.runtime.alarm import Alarm
from batch_emulator.runtime.engine import utcnow
from tests.batch_emulator.nodes.waiting import until


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


async def test_it_rings_at_each_time_and_not_before() -> None:
    clock, rings = Clock(), []
    alarm = Alarm(clock, lambda: rings.append(clock.now))
    start = clock.now
    for wait in (20, 10, 10, 30):
        alarm.set(start + seconds(wait))
    alarm.look()
    assert rings == []
    for moment in (9, 10, 15, 35, 40):
        clock.now = start + seconds(moment)
        alarm.look()
    assert rings == [start + seconds(10), start + seconds(35)]
    alarm.cancel()


async def test_it_rings_by_itself_with_a_real_clock() -> None:
    rings: list[datetime] = []
    alarm = Alarm(utcnow, lambda: rings.append(utcnow()))
    due = utcnow() + seconds(0.03)
    alarm.set(due + seconds(3600))
    alarm.set(due)
    await until(lambda: rings)
    assert rings[0] >= due
    alarm.cancel()


async def test_a_time_in_the_past_rings_at_once_but_not_within_the_call() -> None:
    rings: list[bool] = []
    alarm = Alarm(utcnow, lambda: rings.append(True))
    alarm.set(utcnow() - seconds(5))
    assert rings == []
    await until(lambda: rings)
    alarm.cancel()


async def test_a_cancelled_alarm_is_silent() -> None:
    rings: list[bool] = []
    alarm = Alarm(utcnow, lambda: rings.append(True))
    alarm.set(utcnow())
    alarm.cancel()
    await asyncio.sleep(0.01)
    assert rings == []
