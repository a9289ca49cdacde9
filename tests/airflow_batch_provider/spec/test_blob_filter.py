"""Which blobs a watcher wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.errors import SpecError


@dataclass(frozen=True)
class Blob:
    name: str = "scans/2026/a.TIFF"
    size: int = 100
    content_type: str = "image/tiff"
    container: str = "incoming"
    kind: str = "created"


@pytest.mark.parametrize(
    ("wanted", "blob", "accepted"),
    [
        ({}, Blob(), True),
        ({"container": "incoming"}, Blob(), True),
        ({"container": "incoming"}, Blob(container="incoming-2"), False),
        ({"prefix": "scans/"}, Blob(), True),
        ({"prefix": "2026/"}, Blob(), False),
        ({"suffix": ".tiff"}, Blob(), True),
        ({"suffix": (".png", ".Tiff")}, Blob(), True),
        ({"suffix": ".png"}, Blob(), False),
        ({"pattern": "scans/*/?.TIFF"}, Blob(), True),
        ({"pattern": "*.TIFF"}, Blob(), False),
        ({"pattern": "**/*.TIFF"}, Blob(), True),
        ({"pattern": "a[[]1]-[ab].csv"}, Blob("a[1]-b.csv"), True),
        ({"pattern": "/scans/*"}, Blob("/scans/a"), True),
        ({"min_bytes": 100, "max_bytes": 100}, Blob(), True),
        ({"min_bytes": 101}, Blob(), False),
        ({"max_bytes": 99}, Blob(), False),
        ({"min_bytes": 1}, Blob(size=0), False),
        ({"min_bytes": 101}, Blob(size=-1), True),
        ({"content_type": "image/*"}, Blob(), True),
        ({"content_type": ["text/csv", "IMAGE/TIFF"]}, Blob(), True),
        ({"content_type": "text/csv"}, Blob(), False),
        ({"content_type": "text/csv"}, Blob(content_type="Text/CSV; charset=utf-8"), True),
        ({"content_type": "text/csv"}, Blob(content_type=""), True),
        ({}, Blob("scans/2026/", size=0), False),
        ({}, Blob("scans/2026/", size=1), True),
        ({}, Blob("scans/2026", size=0), True),
        ({}, Blob(kind="deleted"), False),
        ({}, Blob(kind=""), False),
        ({"event_types": "deleted"}, Blob(kind="deleted"), True),
        ({"event_types": ["created", "renamed"]}, Blob(kind="renamed"), True),
    ],
)
def test_every_part_must_want_the_blob(wanted: dict[str, Any], blob: Blob, accepted: bool) -> None:
    made = BlobFilter.of("it", **wanted)

    assert made.accepts(blob) is accepted
    assert BlobFilter.of("it", **made.arguments()) == made


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"container": None}, "container is None"),
        ({"container": "Incoming!"}, r"container is 'Incoming!'\. .*'incoming' would do"),
        ({"prefix": "/scans/"}, "begins with '/'.*: 'scans/'"),
        ({"pattern": "scans/[a"}, r"a '\[' in pattern 'scans/\[a' has no '\]'"),
        ({"pattern": "scans/[]"}, r"has no '\]'"),
        ({"pattern": "scans/[b-a]"}, "bad character range"),
        ({"content_type": "image"}, r"'image'\. A MIME type has two parts"),
        ({"content_type": ["text/csv; charset=utf-8"]}, "and no parameters"),
        ({"suffix": 5}, "suffix is 5"),
        ({"min_bytes": "1"}, "min_bytes is '1'"),
        ({"max_bytes": -1}, "max_bytes is -1"),
        ({"min_bytes": 2, "max_bytes": 1}, "above max_bytes"),
        ({"event_types": []}, "event_types is empty"),
        ({"event_types": ["create"]}, "Did you mean 'created'"),
        ({"event_types": ["created", "deleted"], "min_bytes": 1}, "'deleted' do not tell"),
        ({"event_types": "renamed", "content_type": "text/csv"}, "'renamed' do not tell"),
    ],
)
def test_what_cannot_work_is_refused(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(SpecError, match=rf"^the watcher: .*{why}"):
        BlobFilter.of("the watcher", **wanted)
