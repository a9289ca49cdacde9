"""Faults of requests: throttling, latency, lost connections, errors before and after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TypeVar

from batch_emulator.faults.dice import Dice
from batch_emulator.faults.record import (
    AFTER,
    DroppedConnection,
    Faults,
    Latency,
    RequestRule,
    ServerError,
    Throttling,
)
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.interference import Dropped, Overruled
from batch_emulator.service.errors import BatchError

__all__ = ["RequestFaults"]

T = TypeVar("T")
_THROTTLED = {503: "ServerBusy", 429: "TooManyRequests"}


class RequestFaults:
    """Stands between requests and their handlers.

    :param sleep: waits a number of seconds.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self.dice: tuple[Dice, ...] = ()

    def set(self, faults: Faults) -> None:
        """Let other rules hold from now on; their counts begin at zero."""
        self.dice = tuple(Dice(rule, faults.seed, place) for place, rule in enumerate(faults.requests))

    async def around(self, operation: str, answer: Callable[[], Awaitable[T]]) -> T:
        """See :meth:`batch_emulator.rest.interference.Interference.around`."""
        for dice in self.dice:
            rule = dice.rule
            if not isinstance(rule, RequestRule) or not _speaks_of(rule, operation):
                continue
            if not dice.strikes(operation):
                continue
            if isinstance(rule, Latency):
                await self._sleep(dice.spread(operation, rule.seconds, rule.jitter))
                continue
            if isinstance(rule, DroppedConnection | ServerError) and rule.when == AFTER:
                # What the handler says, even a refusal, is what the client never hears.
                with suppress(BatchError):
                    await answer()
            raise _fate(rule)
        return await answer()


def _speaks_of(rule: RequestRule, operation: str) -> bool:
    return any(fnmatchcase(operation, name) for name in rule.operations)


def _fate(rule: RequestRule) -> Dropped | Overruled:
    if isinstance(rule, Throttling):
        wait = None if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        return Overruled(refusal(_THROTTLED[rule.status]), wait)
    if isinstance(rule, ServerError):
        return Overruled(refusal(rule.code))
    return Dropped()
