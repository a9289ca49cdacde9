"""Times as clients write them: ISO 8601 in bodies, HTTP dates in headers.

Source: Azure Batch REST reference, *Common parameters and headers*. Durations and the form in which the
service writes times are the service's own (``service.durations``, ``service.times``).
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))?)?\s*([Zz]|[+-]\d\d:?\d\d)?",
)


def parse_time(text: str) -> datetime:
    """An ISO 8601 or RFC 1123 time; without an offset it is UTC.

    :raises ValueError: when it is neither.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return parse_http_date(text)
    date, clock, seconds, fraction, offset = match.groups()
    offset = "+00:00" if offset in (None, "Z", "z") else offset
    offset = offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
    micros = (fraction or "0").ljust(6, "0")[:6]
    whole = f"{date}T{clock or '00:00'}{seconds or ':00'}.{micros}{offset}"
    return _utc(datetime.fromisoformat(whole))


def parse_http_date(text: str) -> datetime:
    """An RFC 1123 or RFC 850 date, as headers carry it.

    :raises ValueError: when it is neither.
    """
    try:
        time = parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as error:
        raise ValueError("not an RFC 1123 date") from error
    return _utc(time)


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    try:
        return time.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error


def valid_text(text: str) -> str:
    """The text without what no UTF-8 can hold: bytes of a header or an URL that are none come as such."""
    return text.encode("utf-8", "replace").decode()


def format_http_date(time: datetime) -> str:
    """RFC 1123 in GMT; fractions of a second are lost."""
    return format_datetime(time.astimezone(timezone.utc), usegmt=True)
