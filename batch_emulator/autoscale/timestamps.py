"""Timestamps as text: what `time("…")` reads.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (time: W3C-DTF or RFC 1123).
"""

import re
from datetime import datetime, timedelta, timezone

from batch_emulator.autoscale.assumptions import MAX_FRACTION_DIGITS
from batch_emulator.autoscale.values import Timestamp

_W3C = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_RFC_1123 = re.compile(
    r"(?P<weekday>[A-Z][a-z]{2}), (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) GMT",
    re.ASCII,
)
_TICK_DIGITS = 7  # a tick is 100 ns
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse_timestamp(text: str) -> Timestamp | None:
    """Read a point in time.

    Parameters:
        text: W3C-DTF (`2026-01-31`, `2026-01-31T10:00:00.5Z`, `2026-01-31T10:00+02:00`; without a zone it is
            UTC) or RFC 1123 (`Sat, 31 Jan 2026 10:00:00 GMT`).

    Returns:
        The timestamp, or None if the text is neither or names a day that does not exist.
    """
    if match := _W3C.fullmatch(text):
        return _from_w3c(match)
    if match := _RFC_1123.fullmatch(text):
        return _from_rfc_1123(match)
    return None


def _from_w3c(match: "re.Match[str]") -> Timestamp | None:
    fraction = match["fraction"] or ""
    if len(fraction) > MAX_FRACTION_DIGITS:
        return None
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=_zone(match["zone"]),
        ).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    ticks = Timestamp.of(moment).ticks + int(fraction.ljust(_TICK_DIGITS, "0"))
    return Timestamp(ticks)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return timezone.utc
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _from_rfc_1123(match: "re.Match[str]") -> Timestamp | None:
    if match["month"] not in _MONTHS:
        return None
    try:
        moment = datetime(
            int(match["year"]),
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"]),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None
    # A wrong weekday means that one of the two is not what the author meant.
    return Timestamp.of(moment) if _WEEKDAYS[moment.weekday()] == match["weekday"] else None
