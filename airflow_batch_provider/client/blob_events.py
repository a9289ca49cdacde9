"""Blob events as Azure Event Grid writes them into a storage queue, read into one record.

Both delivery schemas are read (Event Grid schema and CloudEvents 1.0), base64 or plain, one event or a
list of one, because subscriptions in the field differ. Pure: text in, records out.

Sources: Event Grid: *Azure Blob Storage as an Event Grid source*, *Storage queue as an event handler*.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

BLOB_CREATED = "Microsoft.Storage.BlobCreated"

#: With a hierarchical namespace a file is announced when it is still empty (``CreateFile``) and again
#: when it is complete (``FlushWithClose``): only the second one is a blob to work on.
_INCOMPLETE_APIS = frozenset({"CreateFile"})

_SUBJECT_CONTAINER = "/containers/"
_SUBJECT_BLOB = "/blobs/"


class MalformedEventError(ValueError):
    """A queue message that is no blob event. Reading it again will never help."""


@dataclass(frozen=True)
class BlobEvent:
    """One announcement of a blob.

    :param id: of the event; a repeated delivery carries the same id.
    :param type: such as ``Microsoft.Storage.BlobCreated``.
    :param url: of the blob, without a query.
    :param etag: of the version that was written, without quotes; empty when the event has none.
    :param size: in bytes; -1 when the event does not say.
    :param time: when it was written, ISO 8601.
    :param sequencer: orders events of the same blob; compare as text.
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

    @property
    def is_new_blob(self) -> bool:
        """Whether a complete blob was written."""
        return self.type == BLOB_CREATED and self.api not in _INCOMPLETE_APIS

    @property
    def version(self) -> str:
        """Names this version of this blob: what must be worked on once."""
        return f"{self.url}#{self.etag or self.sequencer or self.id}"

    def to_payload(self) -> dict[str, Any]:
        """A JSON-able form for an asset event's ``extra`` and for XCom."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> BlobEvent:
        """The event that :meth:`to_payload` described."""
        return cls(**{name: payload[name] for name in cls.__dataclass_fields__})


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
    url = str(data.get("url") or "")
    if not url or not container:
        raise MalformedEventError(f"an event of type {kind} that names no blob")
    return BlobEvent(
        id=str(event.get("id") or ""),
        type=kind,
        url=url.partition("?")[0],
        container=container,
        name=name,
        etag=str(data.get("eTag") or data.get("etag") or "").strip('"'),
        size=_size_of(data.get("contentLength")),
        content_type=str(data.get("contentType") or ""),
        time=str(event.get("eventTime") or event.get("time") or ""),
        sequencer=str(data.get("sequencer") or ""),
        api=str(data.get("api") or ""),
    )


def blob_from_url(url: str) -> tuple[str, str]:
    """Container and blob name of a blob URL, path-style (Azurite) included.

    :raises ValueError: if the URL names no blob.
    """
    parts = urlsplit(url)
    segments = unquote(parts.path).strip("/").split("/")
    host = parts.hostname or ""
    if "." not in host or host.replace(".", "").isdigit():
        segments = segments[1:]
    if len(segments) < 2 or not all((segments[0], segments[1])):
        raise ValueError(
            f"{url.partition('?')[0]} names no blob; a blob URL is https://account.blob.../container/name"
        )
    return segments[0], "/".join(segments[1:])


def _size_of(length: Any) -> int:
    if length is None:
        return -1
    try:
        return int(length)
    except (TypeError, ValueError):
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
    return content


def _split_subject(subject: str) -> tuple[str, str]:
    """``/blobServices/default/containers/{container}/blobs/{name}`` -> container and name."""
    _, found, rest = subject.partition(_SUBJECT_CONTAINER)
    container, _, name = rest.partition(_SUBJECT_BLOB)
    return (container, name) if found and name else ("", "")
