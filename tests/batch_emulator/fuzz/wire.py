"""HTTP as bytes: what no client would send can be sent, and every answer is bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from batch_emulator.rest.shared_key import SignedParts, sign, strings_to_sign
from batch_emulator.rest.values import format_http_date
from tests.batch_emulator.rest.in_process import CREDENTIALS, NOW

SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire.

    :param target: path and query, raw.
    :param headers: besides host, length, date and signature.
    :param bearer: a token instead of a signature.
    :param unsigned: neither.
    """

    method: str
    target: bytes
    headers: Mapping[str, bytes]
    body: bytes = b""
    bearer: str | None = None
    unsigned: bool = False

    def encoded(self) -> bytes:
        """The bytes, signed with the account's key (or with a bearer token)."""
        headers = {"host": b"localhost", "ocp-date": format_http_date(NOW).encode(), **self.headers}
        if self.body or self.method not in ("GET", "HEAD"):
            headers.setdefault("content-length", str(len(self.body)).encode())
        if "authorization" not in headers and not self.unsigned:
            headers["authorization"] = self._authorization(headers)
        lines = [b"%s %s HTTP/1.1" % (self.method.encode(), self.target)]
        lines += [b"%s: %s" % (name.encode(), value) for name, value in headers.items()]
        return b"\r\n".join([*lines, b"", self.body])

    def _authorization(self, headers: Mapping[str, bytes]) -> bytes:
        if self.bearer is not None:
            return f"Bearer {self.bearer}".encode()
        if not self.target.isascii():
            return b"SharedKey acct:AAAA"  # no HTTP library lets such a target through, so none signs it
        path, _, query = self.target.decode("utf-8", "surrogateescape").partition("?")
        # As the server sees them: without blanks around the value.
        texts = {
            name.lower(): value.decode("utf-8", "surrogateescape").strip(" \t")
            for name, value in headers.items()
        }
        text = next(strings_to_sign(SignedParts(self.method, texts, path, query), CREDENTIALS.account))
        return f"SharedKey {CREDENTIALS.account}:{sign(CREDENTIALS.primary_key, text)}".encode()


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Sends each request over a connection of its own: what is odd may leave more behind than an answer."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def send(self, request: Request) -> Answer:
        """Send a request and read its answer.

        :raises TimeoutError: the server hangs.
        :raises ConnectionError: the server closed the connection without an answer.
        """
        return await self.send_bytes(request.encoded(), is_head=request.method == "HEAD")

    async def send_bytes(self, data: bytes, *, is_head: bool = False) -> Answer:
        """Send anything at all."""
        reader, writer = await asyncio.open_connection(*self._address, limit=1 << 20)
        try:
            return await asyncio.wait_for(_exchange(reader, writer, data, is_head), SECONDS)
        finally:
            writer.close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, is_head: bool
) -> Answer:
    sending = asyncio.ensure_future(_write(writer, data))
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("closed without an answer") from error
    finally:
        sending.cancel()
    pairs = (line.partition(":") for line in head[1:])
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(head[0].split()[1])
    length = 0 if is_head or status in (204, 304) else int(headers.get("content-length", "0"))
    return Answer(status, headers, await reader.readexactly(length))


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    with suppress(ConnectionError):  # the server answered and hung up before it had read all
        await writer.drain()
