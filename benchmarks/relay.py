"""A relay before a server that counts requests and bytes: alike for every client, whatever it is made of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Relay", "Traffic", "relaying"]

_CHUNK = 256 * 1024
_END_OF_REQUEST_LINE = b" HTTP/1.1\r\n"


@dataclass(frozen=True)
class Traffic:
    """Requests, and bytes to and from the server."""

    requests: int = 0
    size: int = 0

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(self.requests - earlier.requests, self.size - earlier.size)


class Relay:
    """Passes on what clients and a server say to each other.

    :param endpoint: the server's URL.
    """

    def __init__(self, endpoint: str) -> None:
        where = urlsplit(endpoint)
        self._server = (str(where.hostname), int(where.port or 80))
        self._listening: asyncio.Server
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.endpoint = ""
        self._requests = 0
        self._size = 0

    def traffic(self) -> Traffic:
        """All that has passed so far."""
        return Traffic(self._requests, self._size)

    async def start(self) -> None:
        """Listen on a free port."""
        self._listening = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Listen no more, and end what is connected."""
        self._listening.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        server_reader, server_writer = await asyncio.open_connection(*self._server)
        ends = {writer, server_writer}
        self._writers |= ends
        await asyncio.gather(
            self._pass_on(reader, server_writer, counts=True),
            self._pass_on(server_reader, writer, counts=False),
            return_exceptions=True,
        )
        self._writers -= ends
        self._connections.discard(connection)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool
    ) -> None:
        last = b""
        try:
            while data := await reader.read(_CHUNK):
                self._size += len(data)
                if counts:
                    seen = last + data
                    self._requests += seen.count(_END_OF_REQUEST_LINE)
                    last = seen[-len(_END_OF_REQUEST_LINE) + 1 :]
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@contextmanager
def relaying(endpoint: str) -> Iterator[Relay]:
    """A relay in a thread of its own."""
    relay, loop = Relay(endpoint), asyncio.new_event_loop()
    loop.run_until_complete(relay.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(relay.stop())
        loop.close()
