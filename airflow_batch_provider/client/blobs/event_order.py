"""In which order things have happened to a blob, as far as that can be told. Pure.

Event Grid numbers what happens to a blob (``sequencer``). A listing tells its *Last-Modified* only, in whole
seconds. An event's time is not *Last-Modified*: it differs by what the write took, and by the clocks. So of
one version told by an event and another one told by a listing the order is known only when their times are
far apart. What is not known to be overwritten must be worked on: taken twice is less harm than never.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import cmp_to_key

from airflow_batch_provider.client.blobs.blob_events import BlobEvent

#: So much may the times differ that are told of one version: from the beginning of a write to its event.
TIMES_DIFFER = timedelta(hours=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")


def is_after(one: BlobEvent, other: BlobEvent) -> bool:
    """Whether the one surely happened later to a blob than the other happened to it.

    Source: Event Grid: *Azure Blob Storage as an Event Grid source*, ``sequencer``.
    """
    if one.sequencer and other.sequencer:
        return one.sequencer > other.sequencer
    later, earlier = _span(one.time), _span(other.time)
    if later is None or earlier is None:
        return False
    alike = bool(one.sequencer) == bool(other.sequencer)
    return later[0] - earlier[1] >= (0 if alike else TIMES_DIFFER // _MICROSECOND)


def in_order(events: Iterable[BlobEvent]) -> list[BlobEvent]:
    """The events, those of the same blob in the order in which they happened."""
    arrived = list(events)
    of_blob: dict[str, list[BlobEvent]] = {}
    for event in arrived:
        of_blob.setdefault(event.url, []).append(event)
    for same in of_blob.values():
        same.sort(key=cmp_to_key(lambda one, other: is_after(one, other) - is_after(other, one)))
    return [of_blob[event.url].pop(0) for event in arrived]


def latest_of_each(events: Iterable[BlobEvent]) -> list[BlobEvent]:
    """Of each blob the last thing that happened to it; several where no order can be told.

    What was overwritten or deleted meanwhile is not there to be worked on any more.

    :param events: in any order, repeated ones allowed.
    """
    arrived = list(events)
    told: dict[str, dict[bool, BlobEvent]] = {}
    leaders: dict[str, dict[bool, BlobEvent]] = {}
    for event in arrived:
        for greatest in (told.setdefault(event.version, {}), leaders.setdefault(event.url, {})):
            known = greatest.setdefault(bool(event.sequencer), event)
            if is_after(event, known):
                greatest[bool(event.sequencer)] = event
    return [
        event
        for event in arrived
        if not any(_passes(told[lead.version], told[event.version]) for lead in leaders[event.url].values())
    ]


def _passes(one: dict[bool, BlobEvent], other: dict[bool, BlobEvent]) -> bool:
    """Whether a version came after another: by their sequencers, else by what a listing tells of both."""
    for numbered in (True, False):
        if numbered in one and numbered in other:
            return is_after(one[numbered], other[numbered])
    return is_after(*one.values(), *other.values())


def _span(time: str) -> tuple[int, int] | None:
    """From when to when, in microseconds: a time of whole seconds is any time within that second."""
    found = _TIME.fullmatch(time)
    if found is None:
        return None
    second, digits, zone = found.groups()
    try:
        moment = datetime.fromisoformat(second + (zone if zone and zone != "Z" else "+00:00"))
    except ValueError:
        return None
    begins = (moment - _EPOCH) // _MICROSECOND
    if digits is None:
        return begins, begins + timedelta(seconds=1) // _MICROSECOND
    begins += int(digits[:6].ljust(6, "0"))
    return begins, begins + 1
