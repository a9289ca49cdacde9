"""Which of the listed blobs are new: the rule of a watermark, without any I/O.

A version of a blob is new when it was written at or after the watermark's *floor* and is not among the
*known* ones. The floor follows the time of the storage service at a distance, the overlap, because a blob may
be seen only some time after its *Last-Modified*: clocks of a service differ, a write is dated when it begins,
and a listing of many pages passes names before they are written. *Last-Modified* counts whole seconds, so it
never decides alone: within the overlap name and ETag say what is known.

A version that was seen and waits to be announced with others is noted, with its place: it stays new, however
far the floor goes, and its place is listed, however old its date.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

STATE_BYTES = 65_000
"""So long is a watermark as JSON at most, unless what was written in one second is longer: less than Airflow
wants a state to have (``[state_store] max_value_storage_bytes``, 65,535)."""

_MARK_DIGITS = 16


@dataclass(frozen=True)
class ListedBlob:
    """A blob as a container lists it.

    :param etag: of the version, without quotes.
    :param size: in bytes.
    :param modified: *Last-Modified*, by the clock of the storage service.
    """

    name: str
    etag: str
    size: int
    content_type: str
    modified: dt.datetime

    @property
    def second(self) -> int:
        """When it was written, in seconds since the epoch."""
        return int(self.modified.timestamp())

    @property
    def mark(self) -> str:
        """Names this version of this blob, in 64 bits."""
        return hashlib.sha256(f"{self.name}\0{self.etag}".encode()).hexdigest()[:_MARK_DIGITS]


@dataclass(frozen=True)
class Window:
    """What is looked at again. All times in seconds.

    :param overlap: a blob may be seen so much later than it was written.
    :param settled_for: a blob is new only when nobody has written to it for so long.
    :param existing: whether blobs that are there at the very first look are new.
    :param name_order: whether a blob has a greater name than all that were written more than the overlap
        before it, so that a listing may begin further on.
    :param state_bytes: length of the watermark. What waits may have a third of it (:meth:`fits`), names to
        begin with a sixth, without which a listing begins with its first. When more versions than the rest
        can note were written within the overlap it gets shorter.
    """

    overlap: int = 600
    settled_for: int = 0
    existing: bool = False
    name_order: bool = False
    state_bytes: int = STATE_BYTES

    def fits(self, places: Iterable[str]) -> bool:
        """Whether what waits fits into a watermark.

        :param places: of all that waits, one for each.
        """
        return _packed_bytes(places) <= self.state_bytes // 3


@dataclass(frozen=True)
class Watermark:
    """What has been seen of a container.

    :param floor: seconds since the epoch; whatever was written before is not new.
    :param looked: when the last look began, by the clock of the storage service.
    :param known: versions written at or after the floor that are not new: mark -> second.
    :param starts: beginning of names -> the name that its next listing may begin with.
    :param waiting: versions that were seen, are not announced, and are new: mark -> place.
    """

    floor: int
    looked: int
    known: Mapping[str, int] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """A JSON-able form: for each second, and for each place, its marks, packed."""
        return {
            "floor": self.floor,
            "looked": self.looked,
            "known": _packed((str(second), mark) for mark, second in self.known.items()),
            "starts": dict(self.starts),
            "waiting": _packed((place, mark) for mark, place in self.waiting.items()),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Watermark:
        """The watermark that :meth:`to_plain` described, also of a version in which nothing waited."""
        known = {mark: int(second) for mark, second in _unpacked(plain["known"])}
        waiting = dict(_unpacked(plain.get("waiting", {})))
        return cls(int(plain["floor"]), int(plain["looked"]), known, dict(plain["starts"]), waiting)


class Look:
    """One listing, blob by blob, against the watermark of the looks before.

    :param before: None: the very first look.
    :param moment: when the listing began, by the clock of the storage service.
    """

    def __init__(self, before: Watermark | None, moment: dt.datetime, window: Window) -> None:
        self._before = before
        self._window = window
        self._moment = int(moment.timestamp())
        self._settled = self._moment - window.settled_for
        self._known: dict[str, int] = {}
        self._starts: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._held: dict[str, str] = {}
        wanted = self._settled - window.overlap
        self._floor = max(before.floor, wanted) if before else wanted

    @property
    def since(self) -> int:
        """What was written from this second on may be new: places of older dates are not listed for it."""
        looked = min(self._before.looked, self._moment) if self._before else self._moment
        return looked - self._window.settled_for

    def places(self, usual: Iterable[str]) -> list[str]:
        """The places to list.

        :param usual: those whose dates are recent. What waits in others is looked at as well.
        """
        return list(dict.fromkeys((*(self._before.waiting.values() if self._before else ()), *usual)))

    def start(self, beginning: str) -> str:
        """The name with which a listing may begin; empty: with its first.

        :param beginning: of names, asked for before its blobs are taken.
        """
        if not self._window.name_order:
            return ""
        return self._starts.setdefault(
            beginning, self._before.starts.get(beginning, "") if self._before else ""
        )

    def take(self, blob: ListedBlob, beginning: str = "", *, wanted: bool = True) -> bool:
        """Whether a blob is wanted and new.

        :param beginning: of names, under which it was listed.
        """
        if beginning in self._starts and blob.second < self._floor - self._window.overlap:
            self._starts[beginning] = max(blob.name, self._starts[beginning])
        if not wanted:
            return False
        baseline = self._before is None and not self._window.existing
        if not (baseline or self._waited(blob) or self._is_fresh(blob)):
            return False
        if blob.second >= self._floor:
            self._known[blob.mark] = blob.second
        return not baseline

    def leave(self, blob: ListedBlob, place: str = "", beginning: str = "") -> None:
        """A blob that is new is not announced now: it waits for others.

        :param place: that was listed. A deleted blob does not wait: each look has to leave it again.
        """
        self._known.pop(blob.mark, None)
        self._waiting[blob.mark] = place
        self._held[beginning] = min(blob.name, self._held.get(beginning, blob.name))

    def finish(self) -> Watermark:
        """The watermark once every new blob of this look is announced or left, and all was listed."""
        before = self._before.known if self._before else {}
        known = {mark: second for mark, second in before.items() if second >= self._floor} | self._known
        starts = {each: min(name, self._held.get(each, name)) for each, name in self._starts.items()}
        rest = Watermark(self._floor, self._moment, {}, self._noted_starts(starts), self._waiting)
        floor = self._noted_floor(known.values(), self._window.state_bytes - len(json.dumps(rest.to_plain())))
        known = {mark: second for mark, second in known.items() if second >= floor}
        return replace(rest, floor=floor, known=known)

    def _noted_starts(self, starts: Mapping[str, str]) -> dict[str, str]:
        """Those of the places that were listed last, as many as there is room for."""
        room = self._window.state_bytes // 6
        kept: dict[str, str] = {}
        for each, name in reversed(list(starts.items())):
            room -= len(json.dumps({each: name}))
            if room < 0:
                break
            kept[each] = name
        return kept

    def _noted_floor(self, seconds: Iterable[int], room: int) -> int:
        """The floor from which on all versions can be noted: of one second all or none."""
        of_second = Counter(seconds)
        floor = newest = max(of_second, default=self._floor)
        for second in sorted(of_second, reverse=True):
            room -= _packed_bytes([str(second)] * of_second[second])
            if room < 0 and second < newest:
                return max(self._floor, min(floor, self._settled))
            floor = second
        return self._floor

    def _waited(self, blob: ListedBlob) -> bool:
        return self._before is not None and blob.mark in self._before.waiting

    def _is_fresh(self, blob: ListedBlob) -> bool:
        if self._before is not None and (blob.second < self._before.floor or blob.mark in self._before.known):
            return False
        # What has not settled is looked at again: the floor is below it.
        return not self._window.settled_for or blob.second <= self._settled

    def overlap_of(self, watermark: Watermark) -> int:
        """The overlap that a watermark of this look leaves, in seconds."""
        return self._settled - watermark.floor


def _packed(marks: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Marks by what they have in common, which comes first."""
    of: dict[str, list[str]] = {}
    for common, mark in marks:
        of.setdefault(common, []).append(mark)
    return {common: base64.b64encode(bytes.fromhex("".join(each))).decode() for common, each in of.items()}


def _packed_bytes(common: Iterable[str]) -> int:
    """How long :func:`_packed` is as JSON.

    :param common: of every mark.
    """
    marks = _MARK_DIGITS // 2
    return sum(
        len(json.dumps(each)) + len(': "", ') + math.ceil(marks * count / 3) * 4
        for each, count in Counter(common).items()
    )


def _unpacked(packed: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each mark with what it has in common with others."""
    pairs: list[tuple[str, str]] = []
    for common, text in packed.items():
        marks = base64.b64decode(text).hex()
        pairs += [(marks[at : at + _MARK_DIGITS], common) for at in range(0, len(marks), _MARK_DIGITS)]
    return pairs
