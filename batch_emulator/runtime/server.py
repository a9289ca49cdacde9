"""`batch-emulator serve`: one account on one port until a signal comes."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from batch_emulator.rest.app import build_app
from batch_emulator.rest.credentials import Credentials
from batch_emulator.runtime.runtime import Runtime
from batch_emulator.runtime.settings import Settings

__all__ = ["PortInUseError", "listen", "serve"]

_log = logging.getLogger(__name__)
_BACKLOG = 512
# Requests under way are answered, but a client that waits for a file's end does not hold up the stop.
_SHUTDOWN_SECONDS = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PortInUseError(OSError):
    """The address cannot be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    :param port: 0 for any free one.
    :raises PortInUseError: another process listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Port {port} on {host} is in use. Another program, perhaps another Batch emulator, listens "
                "there. Stop it, or give another port with --port (0 takes a free one)."
            ) from None
        raise PortInUseError(
            f"The emulator cannot listen on {host}:{port}: {error.strerror}. "
            "The address may not be this machine's, or the port may need more rights. "
            "Give another one with --host or --port."
        ) from None
    listener.listen(_BACKLOG)
    return listener


async def serve(settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve an account on a listening socket until SIGTERM or SIGINT.

    :param on_ready: called once requests are answered.
    :raises JournalError: the state could not be stored any more; likewise any error that ends the emulator.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    runtime = await Runtime.open(settings)
    try:
        credentials = Credentials(
            settings.account_name, settings.primary_key, settings.secondary_key, node_key=settings.node_key
        )
        async with _served(build_app(runtime, credentials), listener):
            on_ready()
            await _first(stop.wait(), runtime.failed)
    finally:
        await runtime.stop()


@asynccontextmanager
async def _served(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


async def _first(stop: Coroutine[Any, Any, Any], failed: asyncio.Future[None]) -> None:
    stopping = asyncio.create_task(stop)
    waiting: set[asyncio.Future[Any]] = {stopping, failed}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if failed.done():
        failed.result()
