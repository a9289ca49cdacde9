"""A server in a thread of this process, with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from batch_emulator.runtime.emulator import Emulator
    from batch_emulator.runtime.server import Listeners, Served
    from batch_emulator.runtime.settings import Settings

__all__ = ["BackgroundServer", "NotRunningError"]

T = TypeVar("T")
_START_SECONDS = 30.0
_STOP_SECONDS = 60.0
_CALL_SECONDS = 120.0


class NotRunningError(RuntimeError):
    """The emulator was not started, has been stopped, or has failed; the text says which."""


class BackgroundServer:
    """Serves an account until it is stopped.

    :raises Exception: whatever kept it from starting.
    """

    def __init__(self, settings: Settings, listeners: Listeners) -> None:
        self._settings = settings
        self._listeners = listeners
        self._started: Future[Served] = Future()
        self._error: BaseException | None = None
        self._served: Served | None = None
        self._thread = threading.Thread(target=self._run, name="batch-emulator", daemon=True)
        self._thread.start()
        self._started.result(_START_SECONDS)

    @property
    def emulator(self) -> Emulator:
        """What is served; to be used in the server's own loop, by :meth:`call`.

        :raises NotRunningError: it has ended.
        """
        if self._served is None:
            raise NotRunningError(f"The emulator has ended: {self._error or 'it was stopped'}.")
        return self._served.emulator

    def call(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = _CALL_SECONDS) -> T:
        """Run something in the server's loop and wait for its result.

        :param timeout: seconds; ``None`` for what ends by itself.

        :raises NotRunningError: the server has ended.
        """
        if self._served is None:
            coroutine.close()
            raise NotRunningError(f"The emulator has ended: {self._error or 'it was stopped'}.")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    def stop(self) -> None:
        """End it, with all processes of its nodes. Calling it again does nothing."""
        if self._served is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            raise NotRunningError(f"The emulator did not end within {_STOP_SECONDS:.0f} seconds.")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to whoever started or uses it
            self._served, self._error = None, error
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self) -> None:
        from batch_emulator.runtime.server import running

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with running(self._settings, self._listeners) as served:
            self._served = served
            self._started.set_result(served)
            stopping = asyncio.ensure_future(self._stopping.wait())
            waiting: set[asyncio.Future[Any]] = {stopping, served.emulator.failed}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            self._served = None
            if served.emulator.failed.done():
                served.emulator.failed.result()
