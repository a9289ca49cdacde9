"""How long something took, by two times that the service told."""

from __future__ import annotations

import datetime as dt


def between(begin: str | None, end: str | None) -> dt.timedelta | None:
    """The time between two moments; None when one is not known.

    Parameters:
        begin, end: ISO 8601, UTC. An end before its begin counts as no time: the clocks of two nodes differ.
    """
    if begin is None or end is None:
        return None
    return max(dt.timedelta(0), moment(end) - moment(begin))


def moment(text: str) -> dt.datetime:
    """A time of the service, such as ``2026-01-01T12:00:20.1234567Z``."""
    # Python 3.10 reads neither the Z nor the service's seven digits of a second.
    whole, _, fraction = text.rstrip("Z").partition(".")
    return dt.datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")


def in_words(span: dt.timedelta) -> str:
    """Hours, minutes and seconds, as ``26:03:07``; less than half a second is told as such."""
    if span < dt.timedelta(seconds=0.5):
        return "less than half a second"
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
