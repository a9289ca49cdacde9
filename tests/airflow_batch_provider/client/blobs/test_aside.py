"""Work in a loop beside the triggerer's: it keeps nobody waiting, and ends with whoever wanted it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from airflow_batch_provider.client.blobs.aside import aside, held_aside

WAIT = 10.0


async def test_what_works_without_a_pause_keeps_the_loop_from_nothing() -> None:
    went_on = threading.Event()

    async def busy() -> bool:
        return went_on.wait(WAIT)  # as a client that reads a long answer

    working = asyncio.create_task(aside(busy()))
    await asyncio.sleep(0)
    went_on.set()

    assert await working


async def test_work_of_a_trigger_that_is_cancelled_ends() -> None:
    began, ended = threading.Event(), threading.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    working = asyncio.create_task(aside(endless()))
    assert await asyncio.to_thread(began.wait, WAIT)
    working.cancel()

    assert await asyncio.to_thread(ended.wait, WAIT)
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_an_error_and_the_end_of_a_context_come_through() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @asynccontextmanager
    async def client() -> AsyncIterator[str]:
        loops.append(asyncio.get_running_loop())
        yield "open"
        loops.append(asyncio.get_running_loop())

    async def list_with(client: str) -> None:
        raise LookupError(f"{client}, but no such container")

    async def use() -> None:
        async with held_aside(client()) as value:
            await aside(list_with(value))

    with pytest.raises(LookupError, match="open, but no such container"):
        await use()

    assert loops[0] is loops[1] is not asyncio.get_running_loop()
