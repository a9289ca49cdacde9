from __future__ import annotations

import pytest

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED
from batch_emulator.events.envelope import EventSchema, subject_of
from batch_emulator.events.filters import EventFilter
from batch_emulator.events.subscription import SubscriptionError, parse_subscription, told_apart


def accepts(text: str, blob: str, event_type: str = BLOB_CREATED, container: str = "incoming") -> bool:
    return parse_subscription(text).filter.accepts(event_type, subject_of(container, blob))


@pytest.mark.parametrize(
    ("text", "blob", "expected"),
    [
        ("container=incoming,queue=events", "any/thing.txt", True),
        ("container=incoming,queue=events,prefix=day/", "day/1.mp4", True),
        ("container=incoming,queue=events,prefix=day/", "night/1.mp4", False),
        ("container=incoming,queue=events,suffix=.mp4", "a.mp4", True),
        ("container=incoming,queue=events,suffix=.mp4", "a.mp4.part", False),
        ("container=incoming,queue=events,suffix=.mp4", "A.MP4", True),
        ("container=incoming,queue=events,suffix=.mp4,case=sensitive", "A.MP4", False),
        ("container=incoming,queue=events,prefix=day/,suffix=.mp4", "day/x.mp4", True),
    ],
)
def test_subjects(text: str, blob: str, expected: bool) -> None:
    assert accepts(text, blob) is expected


def test_a_container_whose_name_only_begins_alike_is_not_meant() -> None:
    assert not accepts("container=incoming,queue=events", "a", container="incoming2")


@pytest.mark.parametrize(
    ("events", "created", "deleted"),
    [("created", True, False), ("deleted", False, True), ("all", True, True)],
)
def test_event_types(events: str, created: bool, deleted: bool) -> None:
    text = f"container=incoming,queue=events,events={events}"
    assert accepts(text, "a", BLOB_CREATED) is created
    assert accepts(text, "a", BLOB_DELETED) is deleted


def test_an_empty_filter_takes_all() -> None:
    assert EventFilter().accepts(BLOB_CREATED, "anything")


def test_a_subscription_is_read() -> None:
    subscription = parse_subscription("container=incoming,queue=blob-events,schema=cloudevents")
    assert subscription.key == "incoming->blob-events"
    assert subscription.schema is EventSchema.CLOUD_EVENTS


def test_the_ledger_tells_subscriptions_of_one_queue_apart_and_knows_the_first_as_ever() -> None:
    texts = [f"container={container},queue=events" for container in ("in1", "in2", "in1")]
    keys = [each.key for each in told_apart(map(parse_subscription, texts))]
    assert keys == ["in1->events", "in2->events", "in1->events#2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("container=incoming", "lacks queue"),
        ("queue=events", "lacks container"),
        ("container=,queue=events", "lacks container"),
        ("container=incoming,queue=events,colour=red", "colour=red.*not understood"),
        ("in,queue=events", "not understood"),
        ("container=In,queue=events", "3 to 63 lower-case"),
        ("container=$logs,queue=events", "3 to 63 lower-case"),
        ("container=incoming,queue=a--b", "3 to 63 lower-case"),
        ("container=incoming,queue=events,schema=xml", "cloudevents, eventgrid"),
        ("container=incoming,queue=events,events=some", "all, created, deleted"),
        ("container=incoming,queue=events,case=upper", "insensitive, sensitive"),
    ],
)
def test_what_is_wrong_with_a_subscription_is_said(text: str, message: str) -> None:
    with pytest.raises(SubscriptionError, match=message):
        parse_subscription(text)
