from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED, BlobVersion
from batch_emulator.events.changes import changes_between
from tests.batch_emulator.events.builders import NOON, a_blob

LATER = NOON + timedelta(minutes=1)


def summary(before: list[BlobVersion], after: list[BlobVersion]) -> list[tuple[str, str]]:
    seen = {blob.name: blob.seen for blob in before}
    return [(change.event_type, change.name) for change in changes_between(seen, after, LATER)]


def test_a_new_blob_is_created() -> None:
    assert summary([], [a_blob()]) == [(BLOB_CREATED, "a.mp4")]


def test_an_unchanged_blob_is_silent() -> None:
    assert summary([a_blob()], [a_blob()]) == []


def test_an_overwritten_blob_is_created_again() -> None:
    assert summary([a_blob()], [a_blob(etag="0x2", second=5, md5="bb")]) == [(BLOB_CREATED, "a.mp4")]


def test_overwriting_with_the_same_content_counts() -> None:
    assert summary([a_blob()], [a_blob(etag="0x2", second=5)]) == [(BLOB_CREATED, "a.mp4")]


def test_setting_metadata_is_no_creation() -> None:
    after = a_blob(etag="0x2", second=5, created_second=0, properties={"metadata.state": "done"})
    assert summary([a_blob()], [after]) == []


def test_in_doubt_an_event_is_sent() -> None:
    """Without an MD5 nobody can tell whether the content stayed: at least once wins."""
    before = a_blob(md5=None)
    after = a_blob(etag="0x2", second=5, created_second=0, md5=None, properties={"metadata.state": "done"})
    assert summary([before], [after]) == [(BLOB_CREATED, "a.mp4")]


def test_a_missing_blob_is_deleted_at_the_time_of_the_look() -> None:
    (change,) = changes_between({"a.mp4": a_blob().seen}, [], LATER)
    assert (change.event_type, change.at, change.version) == (BLOB_DELETED, LATER, None)


def test_changes_are_in_the_order_of_time() -> None:
    after = [a_blob("c", second=1), a_blob("a", second=3), a_blob("b", second=2)]
    assert [name for _, name in summary([a_blob("gone")], after)] == ["c", "b", "a", "gone"]


NAMES = st.sampled_from(["a", "b", "c", "d"])
LISTINGS = st.dictionaries(NAMES, st.integers(0, 3)).map(
    lambda etags: [a_blob(name, etag=str(etag), second=etag) for name, etag in etags.items()]
)


@given(LISTINGS, LISTINGS)
def test_every_difference_is_told_once_and_nothing_else(
    before: list[BlobVersion], after: list[BlobVersion]
) -> None:
    old, new = {b.name: b.etag for b in before}, {b.name: b.etag for b in after}
    expected = [(BLOB_CREATED, name) for name in new if old.get(name) != new[name]]
    expected += [(BLOB_DELETED, name) for name in old if name not in new]
    assert sorted(summary(before, after)) == sorted(expected)


@pytest.mark.parametrize("field", ["content_type", "cache_control"])
def test_setting_a_header_is_no_creation(field: str) -> None:
    after = a_blob(etag="0x2", created_second=0, second=9, properties={field: "x"})
    assert summary([a_blob(properties={field: "y"})], [after]) == []
