"""Local time for autoscale formulas, which know UTC only: a zone's changes of the clock, written out."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from airflow_batch_provider.spec.errors import SpecError

# Fixed, and not counted from today: a formula that changed by itself would be drift of its pool.
FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LAST = dt.datetime(2038, 1, 1, tzinfo=dt.timezone.utc)
_DAY, _MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)


def local_clock(zone: str) -> str:
    """Statements of a formula that give ``$now`` in a zone; exact from 2026 to 2037.

    Parameters:
        zone: its name in the time zone database, such as ``Europe/Berlin``.

    Raises:
        SpecError: there is no such zone here.
    """
    (_, first), *changes = _offsets(zone)
    lines = [f"$ahead = {first};"]
    lines += [
        f'$ahead = time() >= time("{moment:%Y-%m-%dT%H:%M:%SZ}") ? {n} : $ahead;' for moment, n in changes
    ]
    return "\n".join([*lines, "$now = time() + $ahead * TimeInterval_Minute;\n"])


@lru_cache(maxsize=16)
def _offsets(zone: str) -> tuple[tuple[dt.datetime, int], ...]:
    """Moments from which a zone is so many minutes ahead of UTC."""
    from zoneinfo import ZoneInfo

    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise SpecError(
            f"time_zone is {zone!r}",
            where="working_hours",
            right="Name a zone of the time zone database, such as 'Europe/Berlin'; or install tzdata.",
        ) from None

    def ahead(moment: dt.datetime) -> int:
        offset = moment.astimezone(info).utcoffset() or dt.timedelta(0)
        return int(offset.total_seconds() // 60)

    found = [(FIRST, ahead(FIRST))]
    day = FIRST
    while day < LAST:
        following = day + _DAY
        if ahead(following) != found[-1][1]:
            early, late = day, following
            while late - early > _MINUTE:  # halve, to the minute
                middle = early + (late - early) // 2 // _MINUTE * _MINUTE
                early, late = (middle, late) if ahead(middle) == found[-1][1] else (early, middle)
            found.append((late, ahead(late)))
        day = following
    return tuple(found)
