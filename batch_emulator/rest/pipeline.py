"""One request through the data plane: identify, authenticate, understand, handle, render."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from batch_emulator.rest.authentication import authenticate
from batch_emulator.rest.backend import Backend
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.errors import error_body, refusal
from batch_emulator.rest.exchange import JSON_CONTENT_TYPE, Call, Reply, Stream
from batch_emulator.rest.handlers import Handler
from batch_emulator.rest.intake import MAX_BODY_BYTES, RawRequest, take_in
from batch_emulator.rest.interference import Dropped, Interference, NoInterference, Overruled
from batch_emulator.rest.operations import OPERATIONS, RETIRED, Operation
from batch_emulator.rest.routing import Router
from batch_emulator.rest.shapes import fitted
from batch_emulator.rest.tokens import CHALLENGE
from batch_emulator.service.errors import BatchError

log = logging.getLogger(__name__)

# How long a client should wait before it asks again. Source: the code's published meaning.
RETRY_AFTER = {"TooManyEnableAutoScaleRequests": "30"}
# Links of answers begin with it.
_HOST = re.compile(r"[\w.:\[\]-]{1,255}", re.ASCII)
# A client that announces a body and never sends it must not be waited for.
BODY_SECONDS = 60.0
BODILESS_STATUSES = frozenset({204, 304})


class Pipeline:
    """The data plane as an aiohttp handler.

    :param handlers: by operation name; an operation without one answers 501.
    :param clock: the time now, aware.
    :param interference: what comes between requests and their handlers.
    """

    def __init__(
        self,
        backend: Backend,
        credentials: Credentials,
        handlers: Mapping[str, Handler],
        clock: Callable[[], datetime],
        interference: Interference | None = None,
    ) -> None:
        self._backend = backend
        self._credentials = credentials
        self._handlers = handlers
        self._clock = clock
        self._interference = interference or NoInterference()
        self._router = Router(OPERATIONS + RETIRED)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        raw = raw_request(request)
        common = common_headers(raw.headers)
        try:
            operation, reply = await self._reply(raw, request)
        except BatchError as error:
            return self._refused(raw, error, common)
        except Overruled as fate:
            return self._refused(raw, fate.error, {**common, **fate.headers})
        except Dropped:
            return _drop(request)
        except Exception:
            log.exception("request %s %s failed", raw.method, raw.raw_path)
            return self._refused(raw, refusal("InternalError"), common)
        headers = {**common, **reply.headers}
        if isinstance(reply.body, Stream):
            return await _send_stream(request, reply.body, operation.status, headers)
        return json_response(operation.status, reply.body, headers)

    async def _reply(self, raw: RawRequest, request: web.Request) -> tuple[Operation, Reply]:
        caller = authenticate(raw.signed_parts, raw.query, self._credentials, self._clock())
        intake = take_in(raw, self._router)
        caller.check_access(intake.match.parameters)
        operation = intake.match.operation
        handler = self._handlers.get(operation.name, _not_implemented)
        call = intake.call(await read_body(request))
        reply = await self._interference.around(operation.name, lambda: handler(call, self._backend))
        if isinstance(reply.body, dict):
            reply = replace(reply, body=fitted(call, reply.body))
        return operation, reply

    def _refused(self, raw: RawRequest, error: BatchError, common: Mapping[str, str]) -> web.Response:
        headers = dict(common)
        if error.status == 401:
            headers |= CHALLENGE
        if error.code in RETRY_AFTER:
            headers["Retry-After"] = RETRY_AFTER[error.code]
        body = error_body(error, raw.base_url, common["request-id"], self._clock())
        return json_response(error.status, body, headers)


def _drop(request: web.Request) -> web.Response:
    """End the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _not_implemented(call: Call, _backend: Backend) -> Reply:
    raise refusal(
        "NotImplemented", Reason=f"This Batch service does not have the operation {call.operation.name}."
    )


def raw_request(request: web.Request) -> RawRequest:
    """What came, without the library's own reading of it: signatures cover the raw path and query."""
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): value for name, value in reversed(list(request.headers.items()))}
    host = request.host if _HOST.fullmatch(request.host) else ""
    return RawRequest(request.method, f"{request.scheme}://{host}", path, query, headers)


def common_headers(request_headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of every answer."""
    headers = {
        "request-id": str(uuid.uuid4()),
        "DataServiceVersion": "3.0",
        "X-Content-Type-Options": "nosniff",
        "Server": "Microsoft-HTTPAPI/2.0",
    }
    client_id = request_headers.get("client-request-id")
    if (
        client_id
        and _is_plain(client_id)
        and request_headers.get("return-client-request-id", "").lower() == "true"
    ):
        headers["client-request-id"] = client_id
    return headers


def _is_plain(text: str) -> bool:
    """Whether a text can be given back in a header."""
    return text.isascii() and text.isprintable()


async def read_body(request: web.Request) -> bytes:
    """The body, or as much of it as shows that it is too large.

    :raises BatchError: ``InvalidRequestBody`` when it does not come, or is not encoded as its headers say.
    """
    if not request.can_read_body:
        return b""
    try:
        return await asyncio.wait_for(_read(request), BODY_SECONDS)
    except asyncio.TimeoutError as error:
        raise refusal("InvalidRequestBody", Reason="The body did not come in time.") from error
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise refusal("InvalidRequestBody", Reason="The body is not encoded as the headers say.") from error


async def _read(request: web.Request) -> bytes:
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) >= MAX_BODY_BYTES:
            break
    return bytes(chunks)


def json_response(status: int, body: Mapping[str, object] | None, headers: Mapping[str, str]) -> web.Response:
    """An answer with a JSON body, or with none."""
    if body is None or status in BODILESS_STATUSES:
        return web.Response(status=status, headers=headers)
    content_type = {"Content-Type": JSON_CONTENT_TYPE}
    return web.Response(status=status, headers={**content_type, **headers}, body=orjson.dumps(body))


async def _send_stream(
    request: web.Request, stream: Stream, status: int, headers: Mapping[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = stream.length
    await response.prepare(request)
    async for chunk in stream.chunks:
        await response.write(chunk)
    await response.write_eof()
    return response
