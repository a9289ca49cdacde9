"""Routes under ``/emulator``: faults, clock, reset and status.

Who may: whoever signs with the account key, from anywhere; and, unsigned, whoever is on the emulator's own
machine, so that ``curl`` will do. A body must be declared as JSON: a page of another site in a browser on
this machine can then send none without asking first, and is not answered when it asks.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson
from aiohttp import web

from batch_emulator.control.requests import body_of, no_body, passage_of, strike_of
from batch_emulator.faults import Faults, FaultsError, parse_faults, to_json
from batch_emulator.rest.authentication import authenticate
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.errors import error_body, refusal
from batch_emulator.rest.intake import RawRequest
from batch_emulator.rest.loopback import is_from_this_machine
from batch_emulator.rest.operations import OPERATION_NAMES
from batch_emulator.rest.pipeline import common_headers, raw_request
from batch_emulator.rest.tokens import CHALLENGE
from batch_emulator.service.errors import BatchError
from batch_emulator.service.times import format_time

__all__ = ["Controls", "add_control_routes"]

_log = logging.getLogger(__name__)
_Json = dict[str, Any]
_Action = Callable[[web.Request], Awaitable[Any]]


class FaultControls(Protocol):
    """The faults of the running emulator."""

    present: Faults

    async def set(self, faults: Faults) -> None: ...
    def counts(self) -> dict[str, Any]: ...
    async def preempt(
        self, pool_id: str, node_id: str | None = None, *, count: int = 1, away: float = 60.0
    ) -> list[str]: ...
    async def lose(
        self, pool_id: str, node_id: str | None = None, *, count: int = 1, away: float | None = 60.0
    ) -> list[str]: ...


class ClockFace(Protocol):
    """The time that the account lives by."""

    @property
    def is_stopped(self) -> bool: ...
    def __call__(self) -> datetime: ...


class Controls(Protocol):
    """What can be done to the running emulator from outside of Azure Batch."""

    @property
    def faults(self) -> FaultControls: ...
    @property
    def clock(self) -> ClockFace: ...
    async def advance(self, seconds: float, settle: float = ...) -> None: ...
    async def run_until_done(self, limit_seconds: float) -> None: ...
    async def status(self) -> dict[str, Any]: ...
    async def reset(self) -> None: ...


def add_control_routes(
    app: web.Application, controls: Controls, credentials: Credentials, clock: Callable[[], datetime]
) -> None:
    """Let a server answer the emulator's own requests.

    :param clock: the time now; dates of signed requests are held against it.
    """
    desk = _Desk(controls, credentials, clock)
    table: Mapping[str, Mapping[str, _Action]] = {
        "faults": {
            "GET": desk.get_faults,
            "PUT": desk.put_faults,
            "POST": desk.add_faults,
            "DELETE": desk.delete_faults,
        },
        "faults/counts": {"GET": desk.get_counts},
        "preemptions": {"POST": desk.preempt},
        "nodelosses": {"POST": desk.lose},
        "clock": {"GET": desk.get_clock, "POST": desk.advance},
        "reset": {"POST": desk.reset},
        "status": {"GET": desk.get_status},
    }
    for path, actions in table.items():
        app.router.add_route("*", f"/emulator/{path}", desk.handler(actions))


class _Desk:
    def __init__(self, controls: Controls, credentials: Credentials, clock: Callable[[], datetime]) -> None:
        self._controls = controls
        self._credentials = credentials
        self._clock = clock

    def handler(self, actions: Mapping[str, _Action]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """One path's handler.

        :param actions: by verb.
        """

        async def handle(request: web.Request) -> web.Response:
            raw = raw_request(request)
            headers = common_headers(raw.headers)
            try:
                self._admit(request, raw)
                action = actions.get(request.method)
                if action is None:
                    raise refusal("UnsupportedHttpVerb", AllowedVerbs=", ".join(actions))
                return _json(200, await action(request), headers)
            except BatchError as error:
                extra = CHALLENGE if error.status == 401 else {}
                body = error_body(error, raw.base_url, headers["request-id"], self._clock())
                return _json(error.status, body, {**headers, **extra})
            except Exception:
                _log.exception("request %s %s failed", raw.method, raw.raw_path)
                body = error_body(
                    refusal("InternalError"), raw.base_url, headers["request-id"], self._clock()
                )
                return _json(500, body, headers)

        return handle

    def _admit(self, request: web.Request, raw: RawRequest) -> None:
        if "authorization" in raw.headers or not is_from_this_machine(request):
            caller = authenticate(raw.signed_parts, raw.query, self._credentials, self._clock())
            # The token of a task is for the task's own job.
            caller.check_access({})

    async def get_faults(self, _request: web.Request) -> _Json:
        return to_json(self._controls.faults.present)

    async def put_faults(self, request: web.Request) -> _Json:
        return await self._set(_faults(await body_of(request)))

    async def add_faults(self, request: web.Request) -> _Json:
        more = _faults(await body_of(request))
        return await self._set(self._controls.faults.present + more)

    async def delete_faults(self, request: web.Request) -> _Json:
        await no_body(request)
        return await self._set(Faults())

    async def get_counts(self, _request: web.Request) -> _Json:
        return self._controls.faults.counts()

    async def preempt(self, request: web.Request) -> _Json:
        strike = strike_of(await body_of(request))
        if strike.away is None:
            raise refusal("InvalidPropertyValue", PropertyName="awaySeconds", Reason="It must be a number.")
        found = await self._controls.faults.preempt(
            strike.pool_id, strike.node_id, count=strike.count, away=strike.away
        )
        return {"nodes": found}

    async def lose(self, request: web.Request) -> _Json:
        strike = strike_of(await body_of(request))
        found = await self._controls.faults.lose(
            strike.pool_id, strike.node_id, count=strike.count, away=strike.away
        )
        return {"nodes": found}

    async def get_clock(self, _request: web.Request) -> _Json:
        clock = self._controls.clock
        return {"time": format_time(clock()), "isStopped": clock.is_stopped}

    async def advance(self, request: web.Request) -> _Json:
        passage = passage_of(await body_of(request))
        if passage.until_done:
            await self._controls.run_until_done(passage.seconds)
        elif passage.settle is None:
            await self._controls.advance(passage.seconds)
        else:
            await self._controls.advance(passage.seconds, passage.settle)
        return await self.get_clock(request)

    async def reset(self, request: web.Request) -> _Json:
        await body_of(request)
        await self._controls.reset()
        return {}

    async def get_status(self, _request: web.Request) -> _Json:
        return await self._controls.status()

    async def _set(self, faults: Faults) -> _Json:
        await self._controls.faults.set(faults)
        return to_json(faults)


def _faults(body: Any) -> Faults:
    try:
        return parse_faults(body, OPERATION_NAMES)
    except FaultsError as error:
        raise refusal("InvalidPropertyValue", Reason=str(error)) from None


def _json(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    content_type = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return web.Response(status=status, headers={**headers, **content_type}, body=orjson.dumps(body))
