"""Blobs of a listing that wait for others: by hand for what has a name, and against random histories."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from airflow_batch_provider.client.blobs.blob_watermark import ListedBlob, Look, Watermark, Window
from airflow_batch_provider.client.blobs.listed_batches import ListedBatches, NewBlob
from airflow_batch_provider.spec.blob_batching import MOST_IN_HAND, BlobBatching

START = 1_800_000_000


def at(second: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(START + int(second), dt.timezone.utc)


def new(name: str, etag: str = "1") -> NewBlob:
    return NewBlob(ListedBlob(name, etag, 1, "", at(0)), "", "")


class Looks:
    """Looks of one watch, each of which finds all that is there and was not announced."""

    def __init__(self, **batching: Any) -> None:
        self.batches = ListedBatches(BlobBatching.of("test", **batching))

    def at(self, now: float, *there: NewBlob) -> list[list[str]]:
        """What one look announces."""
        self.batches.begin(now)
        self.batches.add(there)
        announced = []
        while self.batches.has_enough() or self.batches.is_due():
            announced.append([f"{each.blob.name}{each.blob.etag}" for each in self.batches.take()])
        self.batches.rest()
        return announced


def test_blobs_are_announced_at_once_unless_the_author_wants_otherwise() -> None:
    assert Looks().at(0, new("a"), new("b")) == [["a1", "b1"]]
    assert Looks(max_batch=1).at(0, new("a"), new("b")) == [["a1"], ["b1"]]


def test_blobs_wait_until_there_are_enough_or_one_has_waited_long() -> None:
    looks = Looks(min_batch=3, longest_wait=60)
    a, b, c, d = map(new, "abcd")
    assert looks.at(0, a) == []
    assert looks.at(10, a, b) == []
    assert looks.at(20, a, b, c) == [["a1", "b1", "c1"]]

    assert looks.at(30, d) == []
    assert looks.at(89, d) == []
    assert looks.at(90, d) == [["d1"]]


def test_blobs_wait_until_no_more_come() -> None:
    looks = Looks(quiet_period=30)
    a, b = map(new, "ab")
    assert looks.at(0, a) == []
    assert looks.at(20, a, b) == []
    assert looks.at(49, a, b) == []
    assert looks.at(50, a, b) == [["a1", "b1"]]


def test_what_comes_again_and_again_does_not_keep_blobs_waiting_longer_than_the_longest_wait() -> None:
    looks = Looks(quiet_period=30, longest_wait=60)
    there: list[NewBlob] = []
    for second in range(0, 60, 20):
        there.append(new(str(second)))
        assert looks.at(second, *there) == []

    assert looks.at(60, *there, new("60")) == [["01", "201", "401", "601"]]


def test_a_deleted_blob_does_not_count() -> None:
    looks = Looks(min_batch=2, longest_wait=60)
    assert looks.at(0, new("a")) == []

    assert looks.at(10, new("b")) == []
    assert looks.at(60, new("b")) == []
    assert looks.at(70, new("b")) == [["b1"]]


def test_an_overwritten_blob_is_announced_in_its_newest_version_as_late_as_its_first() -> None:
    looks = Looks(quiet_period=30, longest_wait=60)
    assert looks.at(0, new("a", "1")) == []
    assert looks.at(25, new("a", "2")) == []
    assert looks.at(50, new("a", "3")) == []

    assert looks.at(60, new("a", "4")) == [["a4"]]


def test_the_oldest_go_first_and_too_few_are_left_over() -> None:
    looks = Looks(min_batch=2, max_batch=2, longest_wait=60)
    assert looks.at(0, new("z")) == []
    assert looks.at(10, new("a"), new("b"), new("z")) == [["z1", "a1"]]
    assert looks.at(70, new("b")) == [["b1"]]


def test_a_restart_waits_anew() -> None:
    assert Looks(quiet_period=30).at(0, new("a")) == []

    restarted = Looks(quiet_period=30)
    assert restarted.at(40, new("a")) == []
    assert restarted.at(70, new("a")) == [["a1"]]


def test_no_more_wait_than_fit_into_memory_and_into_a_watermark() -> None:
    looks = Looks(quiet_period=30, max_batch=600)
    there = [new(f"{n:04}") for n in range(MOST_IN_HAND + 1)]

    assert [len(batch) for batch in looks.at(0, *there)] == [600]
    assert len(looks.batches.rest()) == MOST_IN_HAND + 1 - 600


def test_the_oldest_are_announced_at_once_when_a_watermark_cannot_name_all_their_places() -> None:
    batches = ListedBatches(BlobBatching(quiet_period=30, max_batch=2), lambda places: len(set(places)) < 3)
    blobs = [replace(new(name), place=place) for name, place in ("a1", "b2", "c2", "d3")]

    batches.begin(0)
    batches.add(blobs[:3])
    assert not batches.has_enough()
    batches.add(blobs[3:])
    assert batches.has_enough()
    assert batches.take() == blobs[:2]
    assert not batches.has_enough()
    assert batches.rest() == blobs[2:]


OVERLAP, LOOKBACK, DAY, PAGE = 10, 10, 20, 3
NAMES = [f"{n:02}" for n in range(9)]
#: So short that waiting blobs and the beginnings of names do not always fit, and what was seen does.
ROOM = 700
BATCHINGS = [
    BlobBatching(min_batch=low, max_batch=most, quiet_period=quiet, longest_wait=longest)
    for low, most in ((1, 1), (1, 5), (2, 2), (3, 7))
    for quiet in (0, 5, 12)
    for longest in (None, 15, 45)
    if longest or low == 1
]


def test_blobs_whose_event_was_not_stored_do_not_wait_anew() -> None:
    looks = Looks(quiet_period=12, longest_wait=15)
    a = new("a")
    assert looks.at(0, a) == []
    looks.batches.begin(15)
    looks.batches.add([a])
    assert looks.batches.is_due()
    assert looks.batches.take() == [a]  # Nobody has stored it: the look does not come to its end.
    assert looks.at(16, a) == [["a1"]]


class Watched(RuleBasedStateMachine):
    """Blobs come, change, go and are seen late, while a triggerer looks, announces, is refused, and dies.

    A version that stays is announced; in looks that came to their end no version is announced twice.
    Blobs lie in a folder a day, a day is short, and folders of old days are not listed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = 100.0
        self.version = 0
        self.blobs: dict[str, ListedBlob] = {}
        self.hidden: list[tuple[float, ListedBlob]] = []
        self.stored: Counter[tuple[str, str]] = Counter()
        self.in_whole_looks: Counter[tuple[str, str]] = Counter()
        self.in_this_look: list[NewBlob] = []
        self.watermark: dict[str, Any] | None = None
        self.seen: dict[str, float] = {}
        self.looking: Iterator[list[NewBlob]] | None = None

    @initialize(
        batching=st.sampled_from(BATCHINGS), name_order=st.booleans(), room=st.sampled_from([65_000, ROOM])
    )
    def start(self, batching: BlobBatching, name_order: bool, room: int) -> None:
        self.batching = batching
        self.window = Window(overlap=OVERLAP, existing=True, name_order=name_order, state_bytes=room)
        self.restart()
        self.whole_look()

    def restart(self) -> None:
        self.looking, self.seen = None, {}
        self.in_this_look = []
        self.mark = Watermark.from_plain(self.watermark) if self.watermark else None
        self.batches = ListedBatches(self.batching, self.window.fits)

    @rule(name=st.sampled_from(NAMES), late=st.integers(0, OVERLAP))
    def write(self, name: str, late: float) -> None:
        self.version += 1
        # As a listing in the order of names needs it, names grow from one multiple of the overlap on.
        place, part = f"{int(self.clock) // DAY:04}/", int(self.clock) % DAY // OVERLAP
        made = ListedBlob(f"{place}{part}{name}", str(self.version), 1, "", at(self.clock))
        self.hidden.append((self.clock + late, made))
        self.appear()

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.blobs:
            del self.blobs[data.draw(st.sampled_from(sorted(self.blobs)))]

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 15.0]))
    def tick(self, seconds: float) -> None:
        self.clock += seconds
        self.appear()

    def appear(self) -> None:
        for visible, made in sorted(self.hidden, key=lambda each: each[0]):
            if visible <= self.clock:
                self.hidden.remove((visible, made))
                self.blobs[made.name] = made

    def page(self, place: str, start: str) -> list[ListedBlob]:
        names = sorted(name for name in self.blobs if name.startswith(place) and name >= start)
        return [self.blobs[name] for name in names[:PAGE]]

    def look(self) -> Iterator[list[NewBlob]]:
        """What ``BlobWatch`` does with these rules; an empty batch where the listing goes on."""
        look = Look(self.mark, at(self.clock), self.window)
        self.began = self.clock
        self.batches.begin(self.clock)
        since = look.since - START - LOOKBACK
        days = range(since // DAY, int(self.clock) // DAY + 1)
        for place in look.places(f"{day:04}/" for day in days):
            following = look.start(place)
            while page := self.page(place, following):
                following = page[-1].name + "\0"
                self.batches.add([NewBlob(blob, place, place) for blob in page if look.take(blob, place)])
                while self.batches.has_enough():
                    yield self.batches.take()
                yield []
        while self.batches.is_due():
            yield self.batches.take()
        for each in self.batches.rest():
            look.leave(each.blob, each.place, each.beginning)
        self.mark = look.finish()

    @precondition(lambda self: self.looking is None)
    @rule()
    def begin(self) -> None:
        self.looking = self.look()

    @precondition(lambda self: self.looking is not None)
    @rule(fate=st.sampled_from(["stored", "stored", "stored", "not stored", "dies", "dies once stored"]))
    def go_on(self, fate: str = "stored") -> None:
        assert self.looking is not None
        batch = next(self.looking, None)
        if batch is None:
            self.end_look()
            return
        assert len(batch) <= self.batching.max_batch
        if fate in ("stored", "dies once stored"):
            self.stored.update((each.blob.name, each.blob.etag) for each in batch)
            self.in_this_look += batch
        if fate == "not stored":
            self.looking, self.in_this_look = None, []
        elif fate.startswith("dies"):
            self.restart()

    def end_look(self) -> None:
        assert self.mark is not None
        self.in_whole_looks.update((each.blob.name, each.blob.etag) for each in self.in_this_look)
        assert set(self.in_whole_looks.values()) <= {1}
        self.looking, self.in_this_look = None, []
        self.watermark = self.mark.to_plain()
        waiting = {each.blob.name: each.blob for each in self.batches.rest()}
        assert {blob.mark for blob in waiting.values()} == set(self.mark.waiting)
        self.seen = {name: self.seen.get(name, self.began) for name in waiting}
        if self.batching.longest_wait is not None:
            assert all(self.began < since + self.batching.longest_wait for since in self.seen.values())

    @rule()
    def die(self) -> None:
        self.restart()

    def whole_look(self) -> None:
        if self.looking is None:
            self.begin()
        while self.looking is not None:
            self.go_on()

    def teardown(self) -> None:
        for pause in (0.0, OVERLAP + 1.0, 20.0, 20.0, 60.0, 60.0, 60.0):
            self.tick(pause)
            self.whole_look()
        there = {(each.name, each.etag) for each in self.blobs.values()}
        assert there <= set(self.stored), there - set(self.stored)
        assert not self.batches.rest()


TestWatched = Watched.TestCase
TestWatched.settings = settings(max_examples=500, stateful_step_count=50, deadline=None)
