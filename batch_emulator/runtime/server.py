"""`batch-emulator serve`: one account over http, and https if asked, until a signal comes."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batch_emulator.control import add_control_routes
from batch_emulator.rest.app import build_app
from batch_emulator.rest.credentials import Credentials
from batch_emulator.runtime.emulator import Emulator
from batch_emulator.runtime.engine import utcnow
from batch_emulator.runtime.keys import KeyFile
from batch_emulator.runtime.settings import Settings

__all__ = ["Listeners", "PortInUseError", "Served", "listen", "running", "serve"]

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


@dataclass(frozen=True)
class Listeners:
    """Where requests are taken: listening sockets.

    :param https: with a certificate of the data folder's own.
    """

    http: socket.socket
    https: socket.socket | None = None


async def serve(settings: Settings, listeners: Listeners, on_ready: Callable[[Credentials], None]) -> None:
    """Serve an account until SIGTERM or SIGINT.

    :param on_ready: called once requests are answered, with the keys that are valid.
    :raises KeyFileError: the regenerated keys cannot be read.
    :raises JournalError: the state could not be stored any more; likewise any error that ends the emulator.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with running(settings, listeners) as served:
        on_ready(served.credentials)
        await _first(stop.wait(), served.emulator.failed)


@dataclass(frozen=True)
class Served:
    """An emulator that answers requests, and the keys that are valid."""

    emulator: Emulator
    credentials: Credentials


@asynccontextmanager
async def running(settings: Settings, listeners: Listeners) -> AsyncIterator[Served]:
    """An emulator that answers requests until the end of the block.

    :raises KeyFileError: the regenerated keys cannot be read.
    """
    emulator = await Emulator.open(settings)
    try:
        credentials = _credentials(settings)
        # After the start of the runtime, which holds the folder against another emulator.
        context = _https_context(settings) if listeners.https else None

        def add_routes(app: web.Application) -> None:
            add_control_routes(app, emulator, credentials, utcnow)

        app = build_app(
            emulator, credentials, interference=emulator, add_routes=add_routes, facts=emulator.facts
        )
        async with _served(app, listeners, context):
            yield Served(emulator, credentials)
    finally:
        await emulator.stop()


def _credentials(settings: Settings) -> Credentials:
    store = KeyFile(settings.data_dir, (settings.primary_key, settings.secondary_key))
    primary, secondary = store.load()
    return Credentials(
        settings.account_name,
        primary,
        secondary,
        trusts_directories=settings.oauth,
        store=store,
        node_key=settings.node_key,
    )


def _https_context(settings: Settings) -> ssl.SSLContext:
    # Cryptography is only loaded where it is used: it takes as long to load as all the rest of the start.
    from batch_emulator.runtime.certificates import ensure_certificates, server_context

    return server_context(ensure_certificates(settings.data_dir, settings.https_names, utcnow()))


@asynccontextmanager
async def _served(
    app: web.Application, listeners: Listeners, context: ssl.SSLContext | None
) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listeners.http).start()
        if listeners.https is not None:
            await web.SockSite(runner, listeners.https, ssl_context=context).start()
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
