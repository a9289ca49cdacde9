"""Processes that die after their n-th step, when it is taken and nobody has heard of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any


class Died(BaseException):
    """As a kill: nothing catches it."""


class Deaths:
    """Counts the steps of a worker or of a triggerer, and lets the process die once.

    :param at: the step, from 1; 0: never.
    """

    def __init__(self, at: int = 0) -> None:
        self._left = at
        self._lock = threading.Lock()
        self.happened = False

    def is_now(self) -> bool:
        """Whether this step is the last; counts it."""
        with self._lock:
            self._left -= 1
            self.happened = self.happened or self._left == 0
            return self._left == 0

    def take(self, step: Callable[[], Any]) -> Any:
        """Take a step of a worker."""
        last = self.is_now()
        answer = step()
        if last:
            raise Died
        return answer

    async def take_async(self, step: Callable[[], Any], dead: asyncio.Event) -> Any:
        """Take a step of a triggerer; at its death nothing in its loop goes on."""
        last = self.is_now()
        answer = await step()
        if last:
            dead.set()
            await asyncio.Event().wait()
        return answer


class OnePage(list[Any]):
    """What a worker's client lists: in the tests it fits on one page."""

    def by_page(self) -> Iterator[list[Any]]:
        return iter([self])


class MortalPage:
    """What a triggerer's client lists: in the tests it fits on one page, and is had by one step."""

    def __init__(self, answer: Any, deaths: Deaths, dead: asyncio.Event) -> None:
        self._answer, self._deaths, self._dead = answer, deaths, dead

    async def __aiter__(self) -> AsyncIterator[Any]:
        async def ask() -> list[Any]:
            return [item async for item in self._answer]

        for item in await self._deaths.take_async(ask, self._dead):
            yield item

    async def by_page(self) -> AsyncIterator[MortalPage]:
        yield self


class MortalClient:
    """The Batch client of a worker."""

    def __init__(self, client: Any, deaths: Deaths) -> None:
        self._client, self._deaths = client, deaths

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            def ask() -> Any:
                answer = method(*arguments, **options)
                return OnePage(answer) if hasattr(answer, "by_page") else answer

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
                return MortalPage(method(*arguments, **options), self._deaths, self._dead)
            return self._deaths.take_async(lambda: method(*arguments, **options), self._dead)

        return call


class MortalStore:
    """Something of Airflow's that outlives the process which writes to it, such as the task state store."""

    def __init__(self, kept: dict[str, Any], deaths: Deaths) -> None:
        self._kept, self._deaths = kept, deaths

    def get(self, key: str) -> Any:
        return self._kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self._deaths.take(lambda: self._kept.__setitem__(key, value))
