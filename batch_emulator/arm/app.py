"""The management plane as aiohttp routes, on the port of the data plane.

It lives under ``/subscriptions/...`` and ``/providers/...`` and differs from the data plane in nearly all
that is not a rule: tokens instead of signatures, errors wrapped in ``error``, values in PascalCase. The
rules are the same service's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from batch_emulator.arm import accounts, applications, locations, pools
from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply
from batch_emulator.arm.operations import API_VERSIONS, OPERATIONS
from batch_emulator.rest.backend import Backend
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.expectation import meet_expectation
from batch_emulator.rest.intake import MAX_BODY_BYTES, RawRequest
from batch_emulator.rest.operations import Operation
from batch_emulator.rest.pipeline import common_headers, raw_request, read_body
from batch_emulator.rest.routing import Router
from batch_emulator.rest.tokens import CHALLENGE, MANAGEMENT_PLANE, TokenRefusedError, bearer_token
from batch_emulator.rest.validation import parse_json
from batch_emulator.rest.values import valid_text
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import BatchError

log = logging.getLogger(__name__)
HANDLERS: Mapping[str, ArmHandler] = {
    **accounts.HANDLERS,
    **applications.HANDLERS,
    **locations.HANDLERS,
    **pools.HANDLERS,
}
PREFIXES = ("subscriptions", "providers")


def add_arm_routes(
    app: web.Application, backend: Backend, credentials: Credentials, clock: Callable[[], datetime]
) -> None:
    """Let a server answer the management plane's requests."""
    plane = _Plane(backend, credentials, clock)
    for prefix in PREFIXES:
        app.router.add_route("*", f"/{prefix}/{{path:.*}}", plane.handle, expect_handler=meet_expectation)


class _Plane:
    def __init__(self, backend: Backend, credentials: Credentials, clock: Callable[[], datetime]) -> None:
        self._backend = backend
        self._credentials = credentials
        self._clock = clock
        self._router = Router(OPERATIONS)

    async def handle(self, request: web.Request) -> web.Response:
        raw = raw_request(request)
        headers = common_headers(raw.headers)
        headers["x-ms-request-id"] = headers["request-id"]
        try:
            token = bearer_token(raw.headers.get("authorization"))
            if self._credentials.check_token(token, MANAGEMENT_PLANE, self._clock()) is not None:
                raise TokenRefusedError("The token gives access to one job, not to the account.")
            operation, reply = await self._reply(raw, await read_body(request))
        except TokenRefusedError as error:
            return _json(401, _error("AuthenticationFailed", str(error)), {**headers, **CHALLENGE})
        except BatchError as error:
            return _json(error.status, _batch_error(error), headers)
        except Exception:
            log.exception("request %s %s failed", raw.method, raw.raw_path)
            return _json(500, _error("InternalServerError", "The request failed inside the server."), headers)
        return _json(reply.status or operation.status, reply.body, {**headers, **reply.headers})

    async def _reply(self, raw: RawRequest, raw_body: bytes) -> tuple[Operation, ArmReply]:
        _check_version(raw)
        match = self._router.match(raw.method, raw.raw_path)
        self._check_scope(match.parameters)
        handler = HANDLERS.get(match.operation.name)
        if handler is None:
            reason = f"This Batch service does not have the operation {match.operation.name}."
            raise refusal("NotImplemented", Reason=reason)
        call = ArmCall(
            url=f"{raw.base_url}{raw.raw_path}",
            base_url=raw.base_url,
            parameters=match.parameters,
            query=raw.query,
            headers=raw.headers,
            body=_body(raw_body),
            backend=self._backend,
            credentials=self._credentials,
            now=self._clock(),
        )
        return match.operation, await handler(call)

    def _check_scope(self, parameters: Mapping[str, str]) -> None:
        account = self._backend.account
        here = {
            "subscriptionId": account.subscription_id,
            "resourceGroup": account.resource_group,
            "account": account.name,
        }
        for name, value in here.items():
            given = parameters.get(name)
            if given is not None and given.lower() != value.lower():
                raise refusal(
                    "ResourceNotFound", Reason=f"There is no {name} '{given}' here, only '{value}'."
                )


def _check_version(raw: RawRequest) -> None:
    version = raw.query.get("api-version")
    if not version:
        raise refusal("MissingRequiredQueryParameter", QueryParameterName="api-version")
    if version not in API_VERSIONS:
        known = ", ".join(API_VERSIONS)
        raise refusal("UnsupportedRequestVersion", QueryParameterValue=version, Reason=f"Known: {known}.")


def _body(raw_body: bytes) -> Json:
    if len(raw_body) >= MAX_BODY_BYTES:
        raise refusal("RequestBodyTooLarge")
    parsed: Any = parse_json(raw_body) if raw_body.strip() else {}
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise refusal("InvalidRequestBody", Reason="The body must be a JSON object.")
    return parsed


def _batch_error(error: BatchError) -> Json:
    details = [{"code": key, "message": valid_text(value)} for key, value in error.values.items()]
    return _error(error.code, error.kind.message, details)


def _error(code: str, message: str, details: list[Json] | None = None) -> Json:
    return {"error": {"code": code, "message": message, "details": details or []}}


def _json(status: int, body: Json | None, headers: Mapping[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return web.Response(status=status, headers={**headers, **content_type}, body=orjson.dumps(body))
