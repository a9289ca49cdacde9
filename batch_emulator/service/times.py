"""Times as the service writes them. Nothing here reads a clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC with up to seven fractional digits, trailing zeros dropped.

    Source: observed answers of the service.
    """
    text = moment.astimezone(timezone.utc).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0')}Z" if moment.microsecond else f"{text}Z"


def parse_time(text: str) -> datetime:
    """The time that :func:`format_time` wrote."""
    body, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.strptime(body, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def ticks(moment: datetime) -> int:
    """Units of 100 ns since the year 1: what the service's ETags count."""
    return (moment - _EPOCH) // _MICROSECOND * 10


def later(moment: datetime, span: timedelta) -> datetime | None:
    """The time ``span`` after ``moment``; ``None`` if that is beyond any calendar (an unlimited span)."""
    try:
        return moment + span
    except OverflowError:
        return None
