"""Blobs and looks for the tests of the local Event Grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from batch_emulator.events.blobs import BlobVersion

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)


def a_blob(
    name: str = "a.mp4",
    *,
    etag: str = "0x1",
    second: int = 0,
    created_second: int | None = None,
    length: int = 10,
    md5: str | None = "aa",
    properties: Mapping[str, str] | None = None,
) -> BlobVersion:
    """A block blob, written `second` seconds after noon."""
    created = second if created_second is None else created_second
    return BlobVersion(
        name=name,
        etag=etag,
        last_modified=NOON + timedelta(seconds=second),
        created=NOON + timedelta(seconds=created),
        length=length,
        content_type="video/mp4",
        blob_type="BlockBlob",
        content_md5=md5,
        properties=properties or {},
    )
