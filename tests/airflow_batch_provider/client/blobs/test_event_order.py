"""What came last to a blob, as an event queue and a listing tell of it: by hand, and in random histories."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_batch_provider.client.blobs.event_order import in_order, is_after, latest_of_each
from tests.airflow_batch_provider.client.blobs.writes import STEPS, Step, history, told


def test_events_of_a_blob_are_put_in_order_by_sequencer_and_others_stay_where_they_are() -> None:
    third, other, first = told("3", sequencer="C"), told("x", name="b"), told("1", sequencer="A")
    second = told("2", sequencer="B")

    assert in_order([third, other, first, second]) == [first, other, second, third]


def test_of_each_blob_the_last_event_counts() -> None:
    events = [told("2", sequencer="B"), told("x", name="b"), told("1", sequencer="A")]

    assert [event.etag for event in latest_of_each(events)] == ["2", "x"]


T = "2026-06-26T18:41:"
LISTED = [
    (f"{T}00Z", f"{T}01Z", True),
    (f"{T}00Z", f"{T}00Z", False),
    (f"{T}00Z", f"{T}00.9584103Z", False),
    (f"{T}00.9584103Z", f"{T}00Z", False),
    (f"{T}00.1Z", f"{T}00.25Z", True),
    (f"{T}00.1Z", f"{T}01+00:00", True),
    ("2026-06-26T18:41:00+02:00", f"{T}00Z", True),
    ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", True),
    (f"{T}00Z", "2026-06-31T00:00:00Z", False),
    (f"{T}00Z", "soon", False),
    ("soon", f"{T}00Z", False),
    ("", "", False),
]


@pytest.mark.parametrize(("earlier", "later", "known"), LISTED)
def test_of_the_same_kind_a_time_of_whole_seconds_is_any_time_within_that_second(
    earlier: str, later: str, known: bool
) -> None:
    one, other = told("1", earlier), told("2", later)

    assert is_after(other, one) is known
    assert len(latest_of_each([one, other])) == len(latest_of_each([other, one])) == (1 if known else 2)
    if not known:
        return
    assert not is_after(one, other)


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(minutes=59), timedelta(hours=1, seconds=1)])
@pytest.mark.parametrize("listed_later", [True, False])
def test_a_queue_and_a_listing_tell_an_order_only_by_times_that_are_far_apart(
    apart: timedelta, listed_later: bool
) -> None:
    first = datetime(2026, 6, 26, 18, 41, tzinfo=timezone.utc)
    times = [first, first + apart] if listed_later else [first + apart, first]
    queued = told("1", f"{times[0]:%Y-%m-%dT%H:%M:%S}.5000000Z", sequencer="0A")
    listed = told("2", f"{times[1]:%Y-%m-%dT%H:%M:%SZ}")

    assert is_after(*((listed, queued) if listed_later else (queued, listed))) is (apart > timedelta(hours=1))
    assert not is_after(*((queued, listed) if listed_later else (listed, queued)))


def test_what_both_tell_of_two_versions_orders_them_by_their_sequencers() -> None:
    earlier, later = told("1", f"{T}00.5Z", "0A"), told("2", f"{T}00.7Z", "0B")
    listed = [replace(event, sequencer="", time=f"{T}00Z") for event in (earlier, later)]

    for events in ([earlier, later, *listed], [*listed, later, earlier]):
        assert {event.etag for event in latest_of_each(events)} == {"2"}


def test_times_of_a_listing_do_not_speak_against_sequencers() -> None:
    """A write may be dated when it begins, and end after one that began later."""
    last, first = told("1", f"{T}40.5Z", "0B"), told("2", f"{T}30.5Z", "0A")
    listed = [replace(last, sequencer="", time=f"{T}00Z"), replace(first, sequencer="", time=f"{T}30Z")]

    assert {event.etag for event in latest_of_each([last, first, *listed])} == {"1"}


@given(steps=STEPS, seed=st.integers(0, 99))
@settings(max_examples=500, deadline=None)
def test_whoever_tells_of_it_and_in_whatever_order_the_last_version_is_never_hidden(
    steps: list[Step], seed: int
) -> None:
    writes = history(steps)
    events = [event for write in writes for event in write.tellings()]
    random.Random(seed).shuffle(events)

    latest = {event.etag for event in latest_of_each(events)}

    assert writes[-1].etag in latest
    if all(write.by_queue for write in writes):
        assert len(latest) == 1
