"""Records of what is seen in a container and of what happened to a blob. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["BLOB_CREATED", "BLOB_DELETED", "BlobApi", "BlobVersion", "Change", "Seen"]

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_DELETED = "Microsoft.Storage.BlobDeleted"


class BlobApi(str, Enum):
    """The storage operation that an event names in `data.api`."""

    PUT_BLOB = "PutBlob"
    PUT_BLOCK_LIST = "PutBlockList"
    DELETE_BLOB = "DeleteBlob"


@dataclass(frozen=True)
class Seen:
    """What is remembered of a blob, to tell later whether it is still the same.

    Parameters:
        etag: ETag without quotes; changes with content and with properties.
        content: changes when the content is written; empty when that cannot be known.
        properties: changes with metadata and content headers.
    """

    etag: str
    content: str
    properties: str


@dataclass(frozen=True)
class BlobVersion:
    """One line of a container's listing.

    Parameters:
        name: name of the blob within its container.
        etag: ETag without quotes.
        last_modified: UTC.
        created: creation time, UTC, if the storage tells it.
        length: bytes.
        content_type: MIME type.
        blob_type: `BlockBlob`, `AppendBlob` or `PageBlob`.
        content_md5: hexadecimal, if the storage knows it.
        properties: metadata and content headers, flattened.
    """

    name: str
    etag: str
    last_modified: datetime
    created: datetime | None
    length: int
    content_type: str
    blob_type: str
    content_md5: str | None
    properties: Mapping[str, str]

    @property
    def seen(self) -> Seen:
        """What to remember of this version."""
        content = f"{self.created}|{self.length}|{self.content_md5}" if self.content_md5 else ""
        flat = "\n".join(f"{key}={value}" for key, value in sorted(self.properties.items()))
        return Seen(self.etag, content, hashlib.sha256(flat.encode()).hexdigest()[:16])


@dataclass(frozen=True)
class Change:
    """Something that happened to a blob between two listings.

    Parameters:
        event_type: `Microsoft.Storage.BlobCreated` (also for an overwrite) or `...BlobDeleted`.
        name: the blob.
        at: when, UTC: the blob's last modification, or for a deletion when it was found missing.
        version: the new version; None for a deletion.
    """

    event_type: str
    name: str
    at: datetime
    version: BlobVersion | None = None
