"""The emulator's HTTP server: data plane, management plane and status page on one port."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from aiohttp import web

from batch_emulator.arm.app import add_arm_routes
from batch_emulator.identity.endpoint import add_identity_route
from batch_emulator.rest.backend import Backend
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.expectation import meet_expectation
from batch_emulator.rest.handlers import all_handlers
from batch_emulator.rest.handlers.retired import HANDLERS as RETIRED_HANDLERS
from batch_emulator.rest.interference import Interference
from batch_emulator.rest.page import Facts, status_page
from batch_emulator.rest.pipeline import Pipeline


def utc_now() -> datetime:
    """The time now, aware."""
    return datetime.now(timezone.utc)


def build_app(
    backend: Backend,
    credentials: Credentials,
    clock: Callable[[], datetime] = utc_now,
    interference: Interference | None = None,
    add_routes: Callable[[web.Application], None] | None = None,
    facts: Facts | None = None,
) -> web.Application:
    """The server, ready to be run.

    :param credentials: the account's name and keys; a request must be signed with one of them.
    :param clock: the time now; dates of requests and expiry of tokens are held against it.
    :param interference: what comes between requests of the data plane and their handlers.
    :param facts: of the emulator itself, shown on the page for people.
    :param add_routes: adds paths that Azure Batch does not have.
    """
    app = web.Application()
    handlers = {**all_handlers(), **RETIRED_HANDLERS}
    pipeline = Pipeline(backend, credentials, handlers, clock, interference)
    app.router.add_get("/", status_page(backend, facts))
    add_arm_routes(app, backend, credentials, clock)
    add_identity_route(app, backend, credentials, clock)
    if add_routes is not None:
        add_routes(app)
    app.router.add_route("*", "/{path:.*}", pipeline.handle, expect_handler=meet_expectation)
    return app
