"""Whether a request comes from the emulator's own machine, and says so."""

from __future__ import annotations

import ipaddress

from aiohttp import web


def is_from_this_machine(request: web.Request) -> bool:
    """Whether both ends are loopback.

    The name in the address counts too: a page of another site, whose name its owner lets lead here, must not
    be able to read or change anything.
    """
    return _is_loopback(request.remote) and _is_loopback(request.url.host)


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
