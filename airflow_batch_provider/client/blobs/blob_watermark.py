"""Which of the listed blobs are new: the rule of a watermark, without any I/O.

A version of a blob is new when it was written at or after the watermark's *floor* and is not among the
*known* ones. The floor follows the time of the storage service at a distance, the overlap, because a blob may
be seen only some time after its *Last-Modified*: clocks of a service differ, a write is dated when it begins,
and a listing of many pages passes names before they are written. *Last-Modified* counts whole seconds, so it
never decides alone: within the overlap name and ETag say what is known.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KNOWN_AT_MOST = 5_000
"""So many versions are remembered, beyond those of one second: less than the 64 KB that Airflow wants a state
to have (``[state_store] max_value_storage_bytes``)."""

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
    :param known_at_most: versions to remember; when more were written within the overlap it gets shorter.
    """

    overlap: int = 600
    settled_for: int = 0
    existing: bool = False
    name_order: bool = False
    known_at_most: int = KNOWN_AT_MOST


@dataclass(frozen=True)
class Watermark:
    """What has been seen of a container.

    :param floor: seconds since the epoch; whatever was written before is not new.
    :param looked: when the last look began, by the clock of the storage service.
    :param known: versions written at or after the floor that are not new: mark -> second.
    :param starts: place -> the name that its next listing may begin with.
    """

    floor: int
    looked: int
    known: Mapping[str, int] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """A JSON-able form: for each second its marks, packed."""
        marks: dict[str, list[str]] = {}
        for mark, second in self.known.items():
            marks.setdefault(str(second), []).append(mark)
        known = {second: base64.b64encode(bytes.fromhex("".join(each))) for second, each in marks.items()}
        return {
            "floor": self.floor,
            "looked": self.looked,
            "known": {second: packed.decode() for second, packed in known.items()},
            "starts": dict(self.starts),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Watermark:
        """The watermark that :meth:`to_plain` described."""
        known: dict[str, int] = {}
        for second, packed in plain["known"].items():
            marks = base64.b64decode(packed).hex()
            known |= {marks[at : at + _MARK_DIGITS]: int(second) for at in range(0, len(marks), _MARK_DIGITS)}
        return cls(int(plain["floor"]), int(plain["looked"]), known, dict(plain["starts"]))


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
        wanted = self._settled - window.overlap
        self._floor = max(before.floor, wanted) if before else wanted

    def start(self, place: str) -> str:
        """The name with which the listing of a place may begin; empty: with its first.

        :param place: a beginning of names, asked for before its blobs are taken.
        """
        if not self._window.name_order:
            return ""
        return self._starts.setdefault(place, self._before.starts.get(place, "") if self._before else "")

    def take(self, blob: ListedBlob, place: str = "", *, wanted: bool = True) -> bool:
        """Whether a blob is wanted and new.

        :param place: the beginning of names under which it was listed.
        """
        if place in self._starts and blob.second < self._floor - self._window.overlap:
            self._starts[place] = max(blob.name, self._starts[place])
        if not wanted:
            return False
        if self._before is not None and (blob.second < self._before.floor or blob.mark in self._before.known):
            return False
        baseline = self._before is None and not self._window.existing
        if not baseline and self._window.settled_for and blob.second > self._settled:
            return False  # looked at again: the floor is below it
        if blob.second >= self._floor:
            self._known[blob.mark] = blob.second
        return not baseline

    def finish(self) -> Watermark:
        """The watermark once every new blob of this look is announced and the listing came to its end."""
        before = self._before.known if self._before else {}
        known = {mark: second for mark, second in before.items() if second >= self._floor} | self._known
        floor = self._floor
        if len(known) > self._window.known_at_most:
            newest = sorted(known.values(), reverse=True)
            floor = min(newest[self._window.known_at_most - 1], self._settled)
            known = {mark: second for mark, second in known.items() if second >= floor}
        return Watermark(floor, self._moment, known, dict(self._starts))

    def overlap_of(self, watermark: Watermark) -> int:
        """The overlap that a watermark of this look leaves, in seconds."""
        return self._settled - watermark.floor
