"""The token endpoint for tasks, as an aiohttp route.

Source: *How to use managed identities on an Azure VM to acquire an access token* (question, answer, errors)
and *How to use managed identities for App Service* (the pair of variables and the header that goes with it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from aiohttp import web

from batch_emulator.identity.node_secret import PATH, pool_of
from batch_emulator.identity.tokens import LIFETIME, issue_token
from batch_emulator.rest.backend import Backend
from batch_emulator.rest.credentials import Credentials
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools.identities import find_identity

__all__ = ["add_identity_route"]

# Virtual machines and App Service spell the last one differently.
_SELECTORS = {
    "client_id": "clientId",
    "object_id": "principalId",
    "principal_id": "principalId",
    "mi_res_id": "resourceId",
    "msi_res_id": "resourceId",
}
_VERSIONS = frozenset({"2017-09-01", "2018-02-01", "2019-08-01", "2019-11-01", "2021-02-01"})


class _RefusedError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


def add_identity_route(
    app: web.Application, backend: Backend, credentials: Credentials, clock: Callable[[], datetime]
) -> None:
    """Let a server answer tasks that ask for a token of one of their pool's identities."""
    endpoint = _Endpoint(backend, credentials, clock)
    app.router.add_get(PATH, endpoint.handle)


class _Endpoint:
    def __init__(self, backend: Backend, credentials: Credentials, clock: Callable[[], datetime]) -> None:
        self._backend = backend
        self._credentials = credentials
        self._clock = clock

    async def handle(self, request: web.Request) -> web.Response:
        try:
            body = await self._answer(request.headers, request.query)
        except _RefusedError as refusal:
            # The two kinds of client read the reason under different names.
            return web.json_response(
                {
                    "error": refusal.error,
                    "error_description": refusal.description,
                    "statusCode": refusal.status,
                    "message": refusal.description,
                },
                status=refusal.status,
            )
        return web.json_response(body)

    async def _answer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Json:
        secret = headers.get("X-IDENTITY-HEADER")
        if not secret and headers.get("Metadata", "").lower() != "true":
            raise _RefusedError(400, "bad_request", "Required metadata header not specified")
        pool_id = pool_of(secret or "", self._credentials.node_key)
        if pool_id is None:
            raise _RefusedError(
                401,
                "unauthorized",
                "The header X-IDENTITY-HEADER must have the value of the task's variable IDENTITY_HEADER.",
            )
        resource = _required(query, "resource")
        if _required(query, "api-version") not in _VERSIONS:
            known = ", ".join(sorted(_VERSIONS))
            raise _RefusedError(400, "invalid_request", f"The api-version is not known; known are {known}")
        identity = await self._identity(pool_id, query)
        now = self._clock()
        return _token_body(issue_token(identity, resource, self._credentials.primary_key, now),
                           identity, resource, now)  # fmt: skip

    async def _identity(self, pool_id: str, query: Mapping[str, str]) -> Json:
        try:
            of_pool = await self._backend.read(lambda service, _now: service.pool(pool_id).identity)
        except BatchError:
            of_pool = None
        selector = next((name for name in _SELECTORS if query.get(name)), None)
        if not of_pool or not of_pool.get("userAssignedIdentities"):
            raise _RefusedError(400, "invalid_request", "Identity not found")
        if selector is None:
            found = find_identity(of_pool, None)
            reason = (
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
                "identity in the token request"
            )
        else:
            found = find_identity(of_pool, _SELECTORS[selector], query[selector])
            reason = "Identity not found"
        if found is None:
            raise _RefusedError(400, "invalid_request", reason)
        return found


def _required(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if not value:
        raise _RefusedError(400, "invalid_request", f"Required query variable '{name}' is missing")
    return value


def _token_body(token: str, identity: Json, resource: str, now: datetime) -> Json:
    seconds = int(LIFETIME.total_seconds())
    return {
        "access_token": token,
        "client_id": identity["clientId"],
        "expires_in": str(seconds),
        "expires_on": str(int(now.timestamp()) + seconds),
        "ext_expires_in": str(seconds),
        "not_before": str(int(now.timestamp())),
        "resource": resource,
        "token_type": "Bearer",
    }
