"""Compare what was seen with a new listing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED, BlobVersion, Change, Seen

__all__ = ["changes_between", "is_written_anew"]


def is_written_anew(before: Seen, after: Seen) -> bool:
    """Whether the content was written again, so that the service would send BlobCreated.

    Setting metadata or headers changes the ETag but sends no event. It is recognised by content that
    provably stayed (same creation time, length and MD5) under properties that changed. In doubt the answer
    is yes: an event too many is allowed (delivery is at least once), a lost one is not.

    Source: Azure Event Grid: *Azure Blob Storage as an Event Grid source*.
    """
    if before.etag == after.etag:
        return False
    content_stayed = bool(after.content) and before.content == after.content
    return not (content_stayed and before.properties != after.properties)


def changes_between(seen: Mapping[str, Seen], listing: Iterable[BlobVersion], now: datetime) -> list[Change]:
    """What happened between two looks at a container, oldest first.

    Several overwrites between two looks appear as one; a blob created and deleted in between does not appear.

    Parameters:
        seen: blobs of the earlier look, by name.
        listing: the container now.
        now: UTC time of the look, given to deletions.
    """
    versions = {version.name: version for version in listing}
    changes = [
        Change(BLOB_CREATED, name, version.last_modified, version)
        for name, version in versions.items()
        if name not in seen or is_written_anew(seen[name], version.seen)
    ]
    changes += [Change(BLOB_DELETED, name, now) for name in seen if name not in versions]
    return sorted(changes, key=lambda change: (change.at, change.name))
