"""Processes that die at their n-th step: before it is taken, or when it is and nobody has heard of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Literal

When = Literal["before", "after"]


class Died(BaseException):
    """As a kill: nothing catches it."""


class Deaths:
    """Counts the steps of a worker or of a triggerer, and lets the process die once.

    :param at: the step, from 1; 0: never.
    :param when: before it is taken, or just after.
    """

    def __init__(self, at: int = 0, when: When = "before") -> None:
        self._left, self._when = at, when
        self._lock = threading.Lock()
        self.happened = False
        self.steps = 0

    def is_now(self) -> bool:
        """Whether this step is the last; counts it."""
        with self._lock:
            self.steps += 1
            self._left -= 1
            self.happened = self.happened or self._left == 0
            return self._left == 0

    def take(self, step: Callable[[], Any]) -> Any:
        """Take a step of a worker."""
        last = self.is_now()
        if last and self._when == "before":
            raise Died
        answer = step()
        if last:
            raise Died
        return answer

    async def take_async(self, step: Callable[[], Any], dead: asyncio.Event) -> Any:
        """Take a step of a triggerer; at its death nothing in its loop goes on."""
        last = self.is_now()
        if last and self._when == "before":
            await _lie_dead(dead)
        answer = await step()
        if last:
            await _lie_dead(dead)
        return answer


async def _lie_dead(dead: asyncio.Event) -> None:
    dead.set()
    await asyncio.Event().wait()


class MortalClient:
    """The Batch client of a worker."""

    def __init__(self, client: Any, deaths: Deaths) -> None:
        self._client, self._deaths = client, deaths

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            def ask() -> Any:
                answer = method(*arguments, **options)
                return list(answer) if hasattr(answer, "by_page") else answer

            return self._deaths.take(ask)

        return call


class MortalAsyncClient:
    """The Batch client of a triggerer."""

    def __init__(self, client: Any, deaths: Deaths, dead: asyncio.Event) -> None:
        self._client, self._deaths, self._dead = client, deaths, dead

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if name.startswith("list_"):
                return self._pages(method(*arguments, **options))
            return self._deaths.take_async(lambda: method(*arguments, **options), self._dead)

        return call

    async def _pages(self, answer: Any) -> Any:
        async def ask() -> list[Any]:
            return [item async for item in answer]

        for item in await self._deaths.take_async(ask, self._dead):
            yield item


class MortalStore:
    """Airflow's task state store, which outlives the process that writes to it."""

    def __init__(self, kept: dict[str, Any], deaths: Deaths) -> None:
        self._kept, self._deaths = kept, deaths

    def get(self, key: str) -> Any:
        return self._kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self._deaths.take(lambda: self._kept.__setitem__(key, value))
