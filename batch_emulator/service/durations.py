"""ISO 8601 durations as the service reads and writes them.

Clients send ``PT02H00M00S`` or ``P1DT06H00M01.5S``; answers are canonical (``PT2H``, ``P1DT6H1M1.5S``).
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

UNLIMITED = "P10675199DT2H48M5.4775807S"
_UNLIMITED_SPAN = timedelta(days=10675199)
_MAX_DIGITS = 18

_PATTERN = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d+))?S)?)?",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """Read a duration.

    :param text: ISO 8601; a year counts 365 days and a month 30, as .NET's ``XmlConvert`` has it.
    :returns: the span; longer ones than the service knows are cut to :data:`UNLIMITED`.
    :raises ValueError: not a duration.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or text.endswith(("P", "T")) or len(text) > 80:
        raise ValueError(f"'{text}' is not an ISO 8601 duration such as PT15M")
    part = {
        name: int(value[:_MAX_DIGITS]) for name, value in match.groupdict("0").items() if name != "fraction"
    }
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    days = part["years"] * 365 + part["months"] * 30 + part["weeks"] * 7 + part["days"]
    try:
        span = timedelta(
            days=days,
            hours=part["hours"],
            minutes=part["minutes"],
            seconds=part["seconds"],
            microseconds=int(fraction),
        )
    except OverflowError:
        return _UNLIMITED_SPAN
    return min(span, _UNLIMITED_SPAN) if span > _UNLIMITED_SPAN else span


def format_duration(span: timedelta) -> str:
    """The canonical text of a span; :data:`UNLIMITED` for one without end."""
    if is_unlimited(span):
        return UNLIMITED
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f"{span.microseconds:06d}".rstrip("0")
    second_text = f"{seconds}.{fraction}S" if fraction else (f"{seconds}S" if seconds else "")
    clock = "".join((f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", second_text))
    day_text = f"{span.days}D" if span.days else ""
    if not day_text and not clock:
        return "PT0S"
    return f"P{day_text}T{clock}" if clock else f"P{day_text}"


def is_unlimited(span: timedelta) -> bool:
    """Whether the service would call the span unlimited."""
    return span >= _UNLIMITED_SPAN
