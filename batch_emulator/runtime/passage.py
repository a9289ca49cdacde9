"""Lets time pass at once: everything happens that would have, at its time and in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from batch_emulator.runtime.clock import Clock, Timers
from batch_emulator.runtime.engine import Engine

__all__ = ["Passage"]


class Passage:
    """Moves a clock through all that is due on the way.

    :param timers: what besides the service waits for times of the clock.
    """

    def __init__(self, clock: Clock, engine: Engine, timers: Timers) -> None:
        self._clock = clock
        self._engine = engine
        self._timers = timers
        self._lock = asyncio.Lock()

    async def advance(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let a span of time pass. What processes do takes its own time still.

        :param is_over: asked at each time at which something was due; time stops passing when it is.
        :raises JournalError: the state cannot be stored.
        """
        async with self._lock:
            target = self._clock() + timedelta(seconds=seconds)
            await self._engine.rest()
            while (due := self._next_due()) is not None and due <= target:
                if is_over():
                    return
                self._clock.move_to(due)
                await self._look()
                await asyncio.sleep(0)  # requests are answered on the way
            if not is_over():
                self._clock.move_to(target)
                await self._look()

    def stop(self) -> None:
        """Nothing waits for a time any more."""
        self._timers.cancel()

    def _next_due(self) -> datetime | None:
        times = [at for at in (self._timers.next_due(), self._engine.next_due()) if at is not None]
        return min(times, default=None)

    async def _look(self) -> None:
        self._timers.look()
        self._engine.clock_moved()
        await self._engine.rest()
