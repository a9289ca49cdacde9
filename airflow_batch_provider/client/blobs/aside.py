"""A second event loop, in a thread of its own, for what would keep the triggerer's from its other triggers.

Azure's client reads a page of 5,000 listed blobs for most of a second without a pause. In a thread of its own
that delays nobody by more than a moment. It is a loop, and no pool of threads, so that nothing waits for a
thread while many requests wait for a storage account that does not answer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


async def aside(work: Coroutine[Any, Any, T]) -> T:
    """Do work in the other loop; whoever is cancelled while it waits cancels it.

    :param work: uses nothing that is bound to the loop of the caller.
    """
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


@asynccontextmanager
async def held_aside(manager: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context in the other loop, such as that of a client that is used there."""
    value = await aside(_enter(manager))
    try:
        yield value
    finally:
        await aside(_leave(manager))


async def _enter(manager: AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[Any]) -> None:
    await manager.__aexit__(None, None, None)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="beside-the-triggerer", daemon=True).start()
    return loop
