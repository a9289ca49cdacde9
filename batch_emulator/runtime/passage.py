"""Lets time pass at once: everything happens that would have, at its time and in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from batch_emulator.nodes.under_way import START_SECONDS, UnderWay
from batch_emulator.runtime.clock import Clock, Timers
from batch_emulator.runtime.engine import Engine

__all__ = ["SETTLE_SECONDS", "Passage"]

SETTLE_SECONDS = 1.0
_LOOK_SECONDS = 0.005


class Passage:
    """Moves a clock through all that is due on the way.

    :param timers: what besides the service waits for times of the clock.
    :param under_way: real work, which time waits for within bounds.
    """

    def __init__(self, clock: Clock, engine: Engine, timers: Timers, under_way: UnderWay) -> None:
        self._clock = clock
        self._engine = engine
        self._timers = timers
        self._under_way = under_way
        self._lock = asyncio.Lock()
        self._stopped = False

    async def advance(
        self, seconds: float, is_over: Callable[[], bool] = lambda: False, settle: float = SETTLE_SECONDS
    ) -> None:
        """Let a span of time pass.

        Real work takes its own time. At the beginning and at each time at which something is due, the
        account's time goes no faster than the machine's while a node is being started (at most
        ``START_SECONDS``), and while a process goes on that was begun less than ``settle`` ago.

        :param is_over: asked at each time at which something was due; time stops passing when it is.
        :param settle: real seconds; also the longest that processes hold one such time.
        :raises JournalError: the state cannot be stored.
        """
        async with self._lock:
            target = self._clock() + timedelta(seconds=seconds)
            await self._settle(settle)
            while (due := self._next_due()) is not None and due <= target:
                if is_over():
                    return
                self._clock.move_to(due)
                await self._look(settle)
                await asyncio.sleep(0)  # requests are answered on the way
            if not is_over():
                self._clock.move_to(target)
                await self._look(settle)

    def stop(self) -> None:
        """Nothing waits for a time any more."""
        self._stopped = True
        self._timers.cancel()

    def _next_due(self) -> datetime | None:
        times = [at for at in (self._timers.next_due(), self._engine.next_due()) if at is not None]
        return min(times, default=None)

    async def _look(self, settle: float) -> None:
        self._timers.look()
        self._engine.clock_moved()
        await self._settle(settle)

    async def _settle(self, settle: float) -> None:
        await self._engine.rest()
        began = started = self._under_way.now()
        while not self._stopped and (now := self._under_way.now()) - began < START_SECONDS:
            if self._under_way.is_starting():
                started = now  # what the new node runs has its chance too
            elif now - started >= settle or not self._under_way.is_fresh(settle):
                return
            await asyncio.sleep(_LOOK_SECONDS)
            await self._engine.rest()
