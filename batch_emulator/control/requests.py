"""Bodies of the emulator's own requests, parsed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.intake import MAX_BODY_BYTES
from batch_emulator.rest.pipeline import read_body
from batch_emulator.rest.validation import parse_json

_MAX_AWAY_SECONDS = 365 * 24 * 3600
_MAX_ADVANCE_SECONDS = 31 * 24 * 3600
_MAX_SETTLE_SECONDS = 60
_MAX_COUNT = 10_000


@dataclass(frozen=True)
class Strike:
    """Which nodes something is to happen to.

    :param node_id: ``None`` for the oldest ``count`` of the pool.
    :param away: seconds; ``None`` is for ever.
    """

    pool_id: str
    node_id: str | None
    count: int
    away: float | None


@dataclass(frozen=True)
class Passage:
    """How much time is to pass.

    :param until_done: at most so much: until no task waits or runs.
    :param settle: real seconds for which time waits for new processes on the way; ``None`` for the usual.
    """

    seconds: float
    until_done: bool = False
    settle: float | None = None


async def body_of(request: web.Request) -> Any:
    """The parsed body; an empty object when there is none.

    :raises BatchError: it is not declared as JSON, is none, or is too large.
    """
    if request.content_type != "application/json":
        reason = "It must be application/json."
        raise refusal("InvalidHeaderValue", HeaderName="Content-Type", Reason=reason)
    raw = await read_body(request)
    if len(raw) >= MAX_BODY_BYTES:
        raise refusal("RequestBodyTooLarge", MaxLimit=str(MAX_BODY_BYTES))
    return parse_json(raw) if raw.strip() else {}


async def no_body(request: web.Request) -> None:
    """:raises BatchError: there is one."""
    if (await read_body(request)).strip():
        raise refusal("InvalidRequestBody", Reason="This operation takes no body.")


def strike_of(body: Any) -> Strike:
    """``{"poolId", "nodeId"?, "count"?, "awaySeconds"?}``.

    :raises BatchError: naming the property.
    """
    _check_members(body, "poolId", "nodeId", "count", "awaySeconds")
    pool_id, node_id = body.get("poolId"), body.get("nodeId")
    if not isinstance(pool_id, str):
        raise _invalid("poolId", "a text")
    if node_id is not None and not isinstance(node_id, str):
        raise _invalid("nodeId", "a text")
    if node_id is not None and "count" in body:
        raise _invalid("count", "left out where nodeId is given")
    return Strike(pool_id, node_id, _count(body.get("count", 1)), _away(body.get("awaySeconds", 60.0)))


def passage_of(body: Any) -> Passage:
    """``{"advanceSeconds", "settleSeconds"?}``, or ``{"untilDone": true, "limitSeconds"?}``.

    :raises BatchError: naming the property.
    """
    if isinstance(body, dict) and "untilDone" in body:
        _check_members(body, "untilDone", "limitSeconds")
        if body["untilDone"] is not True:
            raise _invalid("untilDone", "true")
        return Passage(_span(body.get("limitSeconds", _MAX_ADVANCE_SECONDS), "limitSeconds"), until_done=True)
    _check_members(body, "advanceSeconds", "settleSeconds")
    settle = body.get("settleSeconds")
    if settle is not None:
        settle = _span(settle, "settleSeconds", _MAX_SETTLE_SECONDS)
    return Passage(_span(body["advanceSeconds"], "advanceSeconds"), settle=settle)


def _span(value: Any, name: str, most: int = _MAX_ADVANCE_SECONDS) -> float:
    if not _is_number(value) or not 0 <= value <= most:
        raise _invalid(name, f"a number from 0 to {most}")
    return float(value)


def _check_members(body: Any, needed: str, *optional: str) -> None:
    if not isinstance(body, dict):
        raise refusal("InvalidRequestBody", Reason="The body must be a JSON object.")
    for name in body:
        if name not in (needed, *optional):
            raise refusal("UnsupportedProperty", PropertyName=str(name))
    if body.get(needed) is None:
        raise refusal("MissingRequiredProperty", PropertyName=needed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_COUNT:
        raise _invalid("count", f"a whole number from 1 to {_MAX_COUNT}")
    return value


def _away(value: Any) -> float | None:
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= _MAX_AWAY_SECONDS:
        raise _invalid("awaySeconds", f"a number from 0 to {_MAX_AWAY_SECONDS}")
    return float(value)


def _invalid(name: str, wanted: str) -> Exception:
    return refusal("InvalidPropertyValue", PropertyName=name, Reason=f"It must be {wanted}.")
