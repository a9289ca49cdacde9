"""The rule of the watermark: by hand for what has a name, and against random histories of a container."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from airflow_batch_provider.client.blobs.blob_watermark import ListedBlob, Look, Watermark, Window
from airflow_batch_provider.client.blobs.listed_batches import ListedBatches, NewBlob
from airflow_batch_provider.spec.blob_batching import BlobBatching

START = 1_800_000_000
OVERLAP = 10
USUAL = Window(overlap=OVERLAP)
NAMES = [f"{n:02}" for n in range(12)]


def at(second: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(START + second, dt.timezone.utc)


def blob(name: str, second: float, etag: str = "1") -> ListedBlob:
    return ListedBlob(name, etag, 1, "", at(int(second)))


def look(
    before: Watermark | None, second: float, *blobs: ListedBlob, window: Window = USUAL
) -> tuple[list[str], Watermark]:
    looking = Look(before, at(second), window)
    looking.start("")
    return [each.name for each in blobs if looking.take(each)], looking.finish()


def test_what_is_there_at_the_first_look_is_new_only_when_asked_for() -> None:
    old, fresh = blob("old", -100), blob("fresh", 0)

    assert look(None, 0, old, fresh)[0] == []
    assert look(None, 0, old, fresh, window=Window(existing=True))[0] == ["old", "fresh"]


def test_a_blob_of_the_second_of_the_last_look_is_new_once() -> None:
    _, mark = look(None, 0, blob("a", 0))

    new, mark = look(mark, 0, blob("a", 0), blob("b", 0))
    assert new == ["b"]
    assert look(mark, 1, blob("a", 0), blob("b", 0))[0] == []


def test_a_late_blob_is_new_within_the_overlap_and_not_beyond() -> None:
    _, mark = look(None, 100)

    assert look(mark, 100, blob("late", 100 - OVERLAP), blob("too late", 99 - OVERLAP))[0] == ["late"]


def test_a_blob_that_is_written_again_is_new_again_also_in_the_same_second() -> None:
    _, mark = look(None, 0, blob("a", 0, etag="1"))

    assert look(mark, 0, blob("a", 0, etag="2"))[0] == ["a"]


def test_a_blob_that_is_still_being_written_waits_until_it_has_settled() -> None:
    window = Window(overlap=OVERLAP, settled_for=30)
    _, mark = look(None, 0, window=window)

    new, mark = look(mark, 20, blob("a", 15, etag="1"), window=window)
    assert new == []
    new, mark = look(mark, 40, blob("a", 25, etag="2"), window=window)
    assert new == []
    assert look(mark, 55, blob("a", 25, etag="2"), window=window)[0] == ["a"]


def test_a_clock_that_goes_back_makes_nothing_new_again() -> None:
    seen = [blob("a", 60), blob("b", 100 - OVERLAP), blob("c", 100)]
    _, mark = look(None, 0)
    _, mark = look(mark, 60, *seen[:1])
    _, mark = look(mark, 100, *seen)

    for _ in range(2):
        new, mark = look(mark, 50, *seen)
        assert new == []


def test_what_is_older_than_the_overlap_is_forgotten() -> None:
    _, mark = look(None, 0)
    _, mark = look(mark, 5, blob("a", 5))
    assert len(mark.known) == 1

    _, mark = look(mark, 6 + OVERLAP, blob("a", 5))

    assert not mark.known


def test_a_burst_shortens_the_overlap_and_is_still_new_once() -> None:
    window = Window(overlap=OVERLAP, state_bytes=180)
    burst = [blob(str(n), n // 2) for n in range(8)]
    _, mark = look(None, 0, window=window)
    new, mark = look(mark, 5, *burst, window=window)
    assert len(new) == 8
    assert len(mark.known) == 4  # of one second all or none

    assert look(mark, 5, *burst, blob("later", 3), window=window)[0] == ["later"]


def test_a_watermark_survives_json() -> None:
    _, mark = look(None, 0, blob("a", 0), window=Window(name_order=True))

    assert Watermark.from_plain(mark.to_plain()) == mark


@pytest.mark.parametrize("overlap", [60, 600, 3600, 86_400])
@pytest.mark.parametrize("waiting", [0, 999])
@pytest.mark.parametrize("places", [1, 1_000])
def test_a_full_watermark_is_within_what_airflow_wants_a_state_to_have(
    overlap: int, waiting: int, places: int
) -> None:
    window = Window(overlap=overlap, name_order=True)
    _, mark = look(None, 0, window=window)
    looking = Look(mark, at(overlap), window)
    batches = ListedBatches(BlobBatching(quiet_period=60, max_batch=1), window.fits)
    batches.begin(0)
    found = [blob(str(n), n * overlap / 12_000) for n in range(12_000)]
    assert all(looking.take(each) for each in found)
    for number in range(places):
        place = f"scans/*/{number:0>40}/"
        looking.start(place)
        looking.take(blob(place + "x" * 60, -2 * overlap - 1), place)
    batches.add(NewBlob(each, f"scans/é/{n % places:0>40}/", "") for n, each in enumerate(found[:waiting]))
    while batches.has_enough():
        batches.take()
    for new in batches.rest():
        looking.leave(new.blob, new.place, new.beginning)
    mark = looking.finish()

    assert len(mark.waiting) == waiting or (places == 1_000 and len(mark.waiting) > 200)
    assert len(mark.known) > 1_000
    assert len(mark.starts) >= min(places, 60)
    assert Watermark.from_plain(json.loads(json.dumps(mark.to_plain()))) == mark
    assert len(json.dumps(mark.to_plain())) <= 65_000
    # What is not noted is not new: the overlap is shorter.
    again = Look(mark, at(overlap), window)
    assert [each for each in found if again.take(each) and each.mark not in mark.waiting] == []


def test_in_the_order_of_names_a_listing_begins_behind_what_is_old() -> None:
    window = Window(overlap=OVERLAP, name_order=True)
    _, mark = look(None, 100, blob("a", 10), blob("b", 100 - 2 * OVERLAP - 1), blob("c", 95), window=window)

    assert Look(mark, at(101), window).start("") == "b"


def test_a_place_that_is_not_listed_any_more_is_forgotten() -> None:
    window = Window(overlap=OVERLAP, name_order=True)
    mark = Watermark(START, START, {}, {"2026/11/25/": "2026/11/25/x"})

    looking = Look(mark, at(101), window)
    looking.start("2026/11/26/")

    assert set(looking.finish().starts) == {"2026/11/26/"}


def left(before: Watermark | None, second: float, *blobs: ListedBlob, window: Window = USUAL) -> Watermark:
    """A look that announces nothing: all that is new waits."""
    looking = Look(before, at(second), window)
    start = looking.start("2026/")
    for each in blobs:
        if each.name >= start and looking.take(each, "2026/"):
            looking.leave(each, "{place}", "2026/")
    return looking.finish()


def test_what_waits_stays_new_however_old_it_gets_and_is_new_no_more_once_announced() -> None:
    _, mark = look(None, 0)
    waiting = blob("a", 5)
    for second in (5, 50, 500):
        mark = Watermark.from_plain(json.loads(json.dumps(left(mark, second, waiting).to_plain())))
        assert (mark.waiting, mark.known) == ({waiting.mark: "{place}"}, {})

    new, mark = look(mark, 600, waiting)
    assert (new, mark.waiting) == (["a"], {})
    assert look(mark, 600, waiting)[0] == []


def test_what_waits_and_is_overwritten_or_deleted_is_forgotten() -> None:
    mark = left(look(None, 0)[1], 5, blob("a", 5), blob("b", 5))
    newer = blob("a", 300, etag="2")

    mark = left(mark, 300, newer)

    assert set(mark.waiting) == {newer.mark}
    assert look(mark, 600, newer)[0] == ["a"]


def test_the_place_of_what_waits_is_listed_after_its_date() -> None:
    mark = left(look(None, 0)[1], 5, blob("a", 5))

    assert Look(mark, at(600), USUAL).places(["today/"]) == ["{place}", "today/"]


def test_in_the_order_of_names_a_listing_begins_no_later_than_with_what_waits() -> None:
    window = Window(overlap=OVERLAP, existing=True, name_order=True)
    mark = left(None, 100, blob("2026/b", 100), window=window)
    mark = left(mark, 200, blob("2026/b", 100), blob("2026/c", 150), window=window)

    assert Look(mark, at(300), window).start("2026/") == "2026/b"


def test_a_clock_that_goes_back_does_not_forget_what_waits_to_be_announced() -> None:
    window = Window(overlap=OVERLAP, settled_for=30)
    mark = left(look(None, 0, window=window)[1], 100, blob("a", 65), window=window)

    assert look(mark, 80, blob("a", 65), window=window)[0] == ["a"]


def test_places_are_listed_until_what_is_in_them_has_settled() -> None:
    _, mark = look(None, 100)

    assert Look(mark, at(200), Window(settled_for=30)).since == START + 70


def test_a_watermark_of_before_anything_could_wait_is_read() -> None:
    plain = look(None, 0, blob("a", 0))[1].to_plain()
    del plain["waiting"]

    assert Watermark.from_plain(plain).waiting == {}


class Container(RuleBasedStateMachine):
    """Blobs come, change, go and are seen late, while a listing goes over the names and processes die.

    Every version that stays until a whole look has passed it must be new once; more than once only when a
    watermark was lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = 100.0
        self.version = 0
        self.blobs: dict[str, ListedBlob] = {}
        self.hidden: list[tuple[float, ListedBlob]] = []
        self.announced: Counter[tuple[str, str]] = Counter()
        self.baseline: set[tuple[str, str]] = set()
        self.mark: Watermark | None = None
        self.looking: Look | None = None
        self.todo: list[str] = []
        self.lost = False

    @initialize(data=st.data())
    def first_look(self, data: st.DataObject) -> None:
        for name in data.draw(st.sets(st.sampled_from(NAMES))):
            self.write(name, 0)
        self.baseline = {(each.name, each.etag) for each in self.blobs.values()}
        self.whole_look()

    @rule(name=st.sampled_from(NAMES), late=st.integers(0, OVERLAP))
    def write(self, name: str, late: float) -> None:
        self.version += 1
        made = ListedBlob(name, str(self.version), 1, "", at(int(self.clock)))
        self.hidden.append((self.clock + late, made))
        self.appear()

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        self.blobs.pop(name, None)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 4.0, 15.0]))
    def tick(self, seconds: float) -> None:
        self.clock += seconds
        self.appear()

    def appear(self) -> None:
        for visible, made in sorted(self.hidden, key=lambda each: each[0]):
            if visible <= self.clock:
                self.hidden.remove((visible, made))
                self.blobs[made.name] = made

    @precondition(lambda self: self.looking is None)
    @rule()
    def begin(self) -> None:
        self.looking = Look(self.mark, at(int(self.clock)), USUAL)
        self.looking.start("")
        self.todo = list(NAMES)

    @precondition(lambda self: self.looking is not None)
    @rule(pages=st.integers(1, 12))
    def go_on(self, pages: int) -> None:
        assert self.looking is not None
        for name in self.todo[:pages]:
            found = self.blobs.get(name)
            if found is not None and self.looking.take(found):
                self.announced[found.name, found.etag] += 1
        self.todo = self.todo[pages:]
        if not self.todo:
            mark, self.looking = self.looking.finish(), None
            self.mark = Watermark.from_plain(mark.to_plain())

    @precondition(lambda self: self.looking is not None)
    @rule()
    def die(self) -> None:
        self.looking, self.lost = None, True

    def whole_look(self) -> None:
        if self.looking is None:
            self.begin()
        self.go_on(len(NAMES))

    def teardown(self) -> None:
        self.whole_look()
        self.tick(OVERLAP)
        self.whole_look()
        there = {(each.name, each.etag) for each in self.blobs.values()}
        assert there - self.baseline <= set(self.announced)
        assert not self.baseline & set(self.announced)
        if not self.lost:
            assert set(self.announced.values()) <= {1}


TestContainer = Container.TestCase
TestContainer.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("state_bytes", [100, 150])
def test_the_known_of_one_second_are_never_split(state_bytes: int) -> None:
    window = Window(overlap=OVERLAP, state_bytes=state_bytes)
    blobs = [blob(str(n), 5) for n in range(5)]
    _, mark = look(None, 0, window=window)
    _, mark = look(mark, 5, *blobs, window=window)

    assert look(mark, 6, *blobs, window=window)[0] == []


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, OVERLAP), st.integers(0, 99), st.booleans()), max_size=40
    )
)
@settings(max_examples=300, deadline=None)
def test_in_the_order_of_names_every_blob_is_new_once_though_old_names_are_not_listed(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    """Names tell the time in steps of the overlap; within a step they come in any order."""
    window = Window(overlap=OVERLAP, name_order=True)
    clock = 0
    visible: list[tuple[int, ListedBlob]] = []
    _, mark = look(None, clock, window=window)
    new: Counter[str] = Counter()

    def look_now() -> None:
        nonlocal mark
        looking = Look(mark, at(clock), window)
        start = looking.start("")
        there = sorted((each for since, each in visible if since <= clock), key=lambda each: each.name)
        new.update(each.name for each in there if each.name >= start and looking.take(each))
        mark = looking.finish()

    for pause, late, name, looks in steps:
        clock += pause
        made = blob(f"{clock // OVERLAP:04}-{name:02}-{len(visible):04}", clock)
        visible.append((clock + late, made))
        if looks:
            look_now()
    clock += OVERLAP
    look_now()

    assert new == Counter(each.name for _, each in visible)
