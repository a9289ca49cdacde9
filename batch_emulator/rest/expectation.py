"""The header ``Expect``: a client that wants a go-ahead before it sends its body gets it."""

from __future__ import annotations

from aiohttp import web

_GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


async def meet_expectation(request: web.Request) -> None:
    """Send the go-ahead, or refuse what else is expected. Source: RFC 9110, *Expect*.

    The HTTP library's own way repeats the header in the answer, which fails when it is no text.

    :raises web.HTTPExpectationFailed: the client expects something else.
    """
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="Only 100-continue can be expected.")
    if request.transport is not None:
        request.transport.write(_GO_AHEAD)
