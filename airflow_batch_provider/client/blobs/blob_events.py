"""Blob events as Azure Event Grid writes them into a storage queue, read into one record.

Both delivery schemas are read (Event Grid schema and CloudEvents 1.0), base64 or plain, one event or a
list of one, because subscriptions in the field differ. Pure: text in, records out.

Sources: Event Grid: *Azure Blob Storage as an Event Grid source*, *Storage queue as an event handler*.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from airflow_batch_provider.spec.blob_filter import CREATED, DELETED, RENAMED

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_RENAMED = "Microsoft.Storage.BlobRenamed"
BLOB_DELETED = "Microsoft.Storage.BlobDeleted"

_KINDS = {BLOB_CREATED: CREATED, BLOB_RENAMED: RENAMED, BLOB_DELETED: DELETED}

#: A file that is written through a hierarchical namespace or SFTP is announced when it is still empty and
#: again when it is complete (``FlushWithClose``, ``SftpCommit``): only then it is a blob to work on.
_INCOMPLETE_APIS = frozenset({"CreateFile", "SftpCreate", "SftpWrite"})

_SUBJECT_CONTAINER = "/containers/"
_SUBJECT_BLOB = "/blobs/"


class MalformedEventError(ValueError):
    """A queue message that is no blob event. Reading it again will never help."""


@dataclass(frozen=True)
class BlobEvent:
    """What has happened to a blob.

    :param id: of the event; a repeated delivery carries the same id.
    :param type: such as ``Microsoft.Storage.BlobCreated``.
    :param url: of the blob at the blob endpoint, without a query; of a renamed one the new.
    :param etag: of the version that was written, without quotes; empty when the event has none.
    :param size: in bytes; -1 when the event does not say, as of renamed and deleted blobs.
    :param content_type: empty when the event does not say, as of renamed blobs.
    :param time: when it happened, ISO 8601.
    :param sequencer: orders events of the same blob; compare as text.
    :param api: the storage operation that did it, such as ``PutBlob``.
    :param source_url: of a renamed blob the URL that it had before; else empty.
    """

    id: str
    type: str
    url: str
    container: str
    name: str
    etag: str
    size: int
    content_type: str
    time: str
    sequencer: str
    api: str
    source_url: str = ""

    @property
    def kind(self) -> str:
        """``created`` (or overwritten, completely), ``renamed`` or ``deleted``; empty when none of these."""
        return "" if self.api in _INCOMPLETE_APIS else _KINDS.get(self.type, "")

    @property
    def version(self) -> str:
        """Names what must be worked on once: this version of this blob, its renaming, or its deletion."""
        if self.kind in (RENAMED, DELETED):  # a deletion may name the ETag of what it deleted
            return f"{self.url}#{self.kind}#{self.sequencer or self.id}"
        return f"{self.url}#{self.etag or self.sequencer or self.id}"

    def to_payload(self) -> dict[str, Any]:
        """A JSON-able form for an asset event's ``extra`` and for XCom."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> BlobEvent:
        """The event that :meth:`to_payload` described, also of a version that knew fewer fields.

        :raises ValueError: it is no such description; says why.
        """
        if not isinstance(payload, Mapping):
            raise ValueError(f"a blob is {payload!r}")
        known = {field.name: payload[field.name] for field in fields(cls) if field.name in payload}
        lacking = [
            field.name for field in fields(cls) if field.default is MISSING and field.name not in known
        ]
        if lacking:
            raise ValueError(f"a blob lacks {', '.join(lacking)}")
        wrong = [
            name for name, value in known.items() if not isinstance(value, int if name == "size" else str)
        ]
        if wrong:
            raise ValueError(f"values of a blob are of the wrong kind: {', '.join(wrong)}")
        return cls(**known)


def parse_message(text: str | None) -> BlobEvent:
    """Read one queue message.

    :param text: the message's content as received; an empty message may have none.
    :raises MalformedEventError: if it is not one blob event; says why.
    """
    event = _one_event(_decode_json(text))
    data = event.get("data")
    if not isinstance(data, Mapping):
        raise MalformedEventError("the event has no 'data' object")
    kind = str(event.get("eventType") or event.get("type") or "")
    if not kind:
        raise MalformedEventError("the event has neither 'eventType' (Event Grid) nor 'type' (CloudEvents)")
    container, name = _split_subject(str(event.get("subject") or ""))
    url = str(data.get("url") or data.get("destinationUrl") or "")
    if not url or not container:
        raise MalformedEventError(f"an event of type {kind} that names no blob")
    url, name = _address(url, container, name)
    return BlobEvent(
        id=str(event.get("id") or ""),
        type=kind,
        url=_blob_endpoint(url),
        container=container,
        name=name,
        etag=str(data.get("eTag") or data.get("etag") or "").strip('"'),
        size=_size_of(data.get("contentLength")),
        content_type=str(data.get("contentType") or ""),
        time=str(event.get("eventTime") or event.get("time") or ""),
        sequencer=str(data.get("sequencer") or ""),
        api=str(data.get("api") or ""),
        source_url=_blob_endpoint(str(data.get("sourceUrl") or "")),
    )


def blob_from_url(url: str) -> tuple[str, str]:
    """Container and blob name of a blob URL, path-style (Azurite) included.

    :raises ValueError: if the URL names no blob.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    host = parts.hostname or ""
    if "." not in host or host.replace(".", "").isdigit():
        path = path.partition("/")[2]
    container, _, name = path.partition("/")
    if not container or not name:
        raise ValueError(
            f"{url.partition('?')[0]} names no blob; a blob URL is https://account.blob.../container/name"
        )
    return container, name


def _address(url: str, container: str, name: str) -> tuple[str, str]:
    """The URL as a listing writes it, whatever of the name is encoded in the event's, and the name.

    The subject has no more than replacement characters for some (Azure-Samples/azure-event-grid-viewer#9).
    """
    plain = url.partition("?")[0]
    if "\N{REPLACEMENT CHARACTER}" in name:
        name = unquote(plain).partition(f"/{container}/")[2] or name
    ending = f"/{container}/{name}"
    for text in (url, plain, unquote(plain)):
        if text.endswith(ending):
            return f"{text.removesuffix(ending)}/{container}/{quote(name, safe='/~')}", name
    return plain, name


def _blob_endpoint(url: str) -> str:
    """The URL at the blob endpoint, without a query: events of a hierarchical namespace name another."""
    scheme, mark, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.replace('.dfs.', '.blob.')}{slash}{path}"


def _size_of(length: Any) -> int:
    if length is None:
        return -1
    try:
        return int(length)
    except (TypeError, ValueError, OverflowError):
        raise MalformedEventError(f"the blob's contentLength is {length!r}") from None


def _decode_json(text: str | None) -> Any:
    """Messages are base64 of JSON by default; a sender may be set to plain JSON."""
    stripped = (text or "").strip()
    if not stripped.startswith(("{", "[")):
        try:
            stripped = base64.b64decode(stripped, validate=True).decode()
        except ValueError as error:  # bad base64, bad UTF-8, or text beyond ASCII
            raise MalformedEventError("neither JSON nor base64 of JSON") from error
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError(f"not valid JSON: {error}") from error


def _one_event(content: Any) -> Mapping[str, Any]:
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, Mapping):
        raise MalformedEventError("expected one event, as an object or a list of one")
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MalformedEventError("it holds half a character, which no text can") from error
    return content


def _split_subject(subject: str) -> tuple[str, str]:
    """``/blobServices/default/containers/{container}/blobs/{name}`` -> container and name."""
    _, found, rest = subject.partition(_SUBJECT_CONTAINER)
    container, _, name = rest.partition(_SUBJECT_BLOB)
    return (container, name) if found and name else ("", "")
