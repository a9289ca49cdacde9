"""Which of the blobs that a listing found go into an event, and which wait for more. Pure; the caller lists.

What waits is found anew by every look. So a blob that is deleted meanwhile does not count any more, and of
one that is overwritten only the newest version does, which has waited as long as the ones before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airflow_batch_provider.client.blobs.blob_watermark import ListedBlob
from airflow_batch_provider.spec.blob_batching import MOST_IN_HAND, BlobBatching


@dataclass(frozen=True)
class NewBlob:
    """A blob that a look found to be new.

    :param place: one of the places that are listed, of its date; folders to walk through are still in it.
    :param beginning: of names, under which it was listed.
    """

    blob: ListedBlob
    place: str
    beginning: str


class ListedBatches:
    """The new blobs of one watch, look after look, put together as its author wants them."""

    def __init__(
        self, batching: BlobBatching, may_wait: Callable[[Iterable[str]], bool] = lambda places: True
    ) -> None:
        """Begin with none.

        :param may_wait: whether blobs of these places, one for each, may wait together.
        """
        self._batching = batching
        self._may_wait = may_wait
        self._came: dict[str, tuple[str, float]] = {}
        self._last = self._now = -math.inf
        self._waiting: dict[str, NewBlob] = {}

    def begin(self, now: float) -> None:
        """A look begins.

        :param now: in seconds, by a clock that does not go back. It counts for the whole look: what comes
            while a long listing goes on may be seen by the next one only.
        """
        self._now = now
        self._waiting = {}

    def add(self, found: Iterable[NewBlob]) -> None:
        """Take what a page of the listing has of new blobs."""
        for new in found:
            name, version = new.blob.name, new.blob.mark
            known, since = self._came.get(name, ("", self._now))
            if version != known:
                self._last = self._now
            self._came[name] = version, since
            self._waiting[name] = new

    def has_enough(self) -> bool:
        """Whether an event is made before the look is at its end: what it still finds changes nothing then,
        or there is no room for it."""
        rule, count = self._batching, len(self._waiting)
        if count >= (MOST_IN_HAND if rule.quiet_period else rule.min_batch):
            return True
        return not self._may_wait(new.place for new in self._waiting.values())

    def is_due(self) -> bool:
        """Whether an event is made at the end of a look."""
        first = min((self._came[name][1] for name in self._waiting), default=self._now)
        return self._batching.is_due(len(self._waiting), first, self._last, self._now)

    def take(self) -> list[NewBlob]:
        """Take what goes into the next event: those that have waited longest.

        When they came is known until the look is at its end: an event that was not stored is made again by
        the next look, and does not wait anew.
        """
        oldest = sorted(self._waiting, key=lambda name: self._came[name][1])[: self._batching.max_batch]
        return [self._waiting.pop(name) for name in oldest]

    def rest(self) -> list[NewBlob]:
        """What waits for the next look, at the end of one."""
        self._came = {name: self._came[name] for name in self._waiting}
        return list(self._waiting.values())
