"""Three sides compared: container, folder, and what they last agreed on."""

from __future__ import annotations

import itertools

import pytest

from batch_emulator.nodes.mounts.blob_mount import is_read_only
from batch_emulator.nodes.mounts.plan import (
    Download,
    Known,
    LocalFile,
    Upload,
    plan_download,
    plan_upload,
)

OLD, NEW = LocalFile(1, 1), LocalFile(1, 2)
AGREED = {"a": Known("e1", OLD)}
NOTHING = Download((), ())


@pytest.mark.parametrize(
    ("remote", "local", "known", "expected"),
    [
        ({"a": "e1"}, {}, {}, Download(("a",), ())),  # new there
        ({"a": "e1"}, {"a": OLD}, AGREED, NOTHING),
        ({"a": "e2"}, {"a": OLD}, AGREED, Download(("a",), ())),  # changed there
        ({"a": "e2"}, {"a": NEW}, AGREED, NOTHING),  # changed on both sides
        ({"a": "e1"}, {"a": NEW}, AGREED, NOTHING),  # changed here
        ({"a": "e1"}, {}, AGREED, NOTHING),  # deleted here
        ({"a": "e2"}, {}, AGREED, Download(("a",), ())),  # deleted here, changed there
        ({}, {"a": OLD}, AGREED, Download((), ("a",))),  # deleted there
        ({}, {"a": NEW}, AGREED, NOTHING),  # deleted there, changed here
        ({}, {}, AGREED, NOTHING),  # deleted on both sides
        ({}, {"a": NEW}, {}, NOTHING),  # new here
        ({"a": "e1"}, {"a": NEW}, {}, NOTHING),  # new on both sides
    ],
)
def test_what_the_container_tells(
    remote: dict[str, str], local: dict[str, LocalFile], known: dict[str, Known], expected: Download
) -> None:
    assert plan_download(remote, local, known) == expected


@pytest.mark.parametrize(
    ("local", "known", "expected"),
    [
        ({"a": OLD}, AGREED, Upload((), ())),
        ({"a": NEW}, AGREED, Upload(("a",), ())),
        ({"a": NEW}, {}, Upload(("a",), ())),
        ({}, AGREED, Upload((), ("a",))),
    ],
)
def test_what_the_folder_tells(
    local: dict[str, LocalFile], known: dict[str, Known], expected: Upload
) -> None:
    assert plan_upload(local, known) == expected


def test_nothing_is_ever_both_fetched_and_lost() -> None:
    """Whatever the three sides are, no plan deletes a file that was changed here."""
    for etag, file, agreed in itertools.product((None, "e1", "e2"), (None, OLD, NEW), (None, AGREED["a"])):
        remote = {} if etag is None else {"a": etag}
        local = {} if file is None else {"a": file}
        known = {} if agreed is None else {"a": agreed}
        plan = plan_download(remote, local, known)
        if file is not None and (agreed is None or agreed.file != file):
            assert plan == NOTHING
            assert plan_upload(local, known).upload == ("a",)


@pytest.mark.parametrize(
    ("options", "read_only"),
    [
        (None, False),
        ("-o attr_timeout=240 -o allow_other", False),
        ("-o ro", True),
        ("-o allow_other,ro", True),
        ("-oro", True),
        ("--read-only=true", True),
        ("--file-cache-timeout-in-seconds=120", False),
    ],
)
def test_the_option_that_counts(options: str | None, read_only: bool) -> None:
    assert is_read_only(options) is read_only
