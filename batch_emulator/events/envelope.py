"""Render a blob's change as the message that Event Grid puts into a storage queue. Pure.

Source: Azure Event Grid: *Azure Blob Storage as an Event Grid source*, *CloudEvents v1.0 schema*,
*Storage queue as an event handler*.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum

from batch_emulator.events.blobs import BlobApi, Change

__all__ = ["EventSchema", "Origin", "Stamp", "encode", "render", "sequencer", "subject_of"]


class EventSchema(str, Enum):
    """`eventDeliverySchema` of a subscription."""

    EVENT_GRID = "eventgrid"
    CLOUD_EVENTS = "cloudevents"


@dataclass(frozen=True)
class Origin:
    """Where events come from.

    Parameters:
        topic: resource id of the storage account.
        container: container of the blobs.
    """

    topic: str
    container: str


@dataclass(frozen=True)
class Stamp:
    """What makes an event unique.

    Parameters:
        event_id: identifier, the same in every delivery of the event.
        request_id: identifier of the storage request that caused it.
        number: grows with every event.
    """

    event_id: str
    request_id: str
    number: int


def sequencer(number: int) -> str:
    """A `sequencer` as of the service: compared as a string it orders the events of one blob."""
    return f"{number:032X}"


def subject_of(container: str, blob: str) -> str:
    """The `subject` of a blob's events."""
    return f"/blobServices/default/containers/{container}/blobs/{blob}"


def _timestamp(at: datetime) -> str:
    # The service writes seven digits of a second.
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def _data(change: Change, api: BlobApi, stamp: Stamp, url: str) -> dict[str, object]:
    version = change.version
    data: dict[str, object] = {
        "api": api.value,
        "clientRequestId": stamp.request_id,
        "requestId": stamp.request_id,
    }
    if version is not None:
        data |= {
            "eTag": version.etag,
            "contentType": version.content_type,
            "contentLength": version.length,
            "blobType": version.blob_type,
        }
    else:
        data |= {"contentType": "application/octet-stream", "blobType": "BlockBlob"}
    data |= {
        "url": url,
        "sequencer": sequencer(stamp.number),
        "storageDiagnostics": {"batchId": stamp.request_id},
    }
    return data


def render(
    change: Change, api: BlobApi, *, origin: Origin, stamp: Stamp, blob_url: str, schema: EventSchema
) -> dict[str, object]:
    """One event in the schema of the subscription.

    Parameters:
        change: what happened.
        api: the storage operation that did it.
        origin: account and container.
        stamp: identity and place in the order.
        blob_url: address of the blob, without a SAS.
        schema: form of the result.
    """
    subject = subject_of(origin.container, change.name)
    data = _data(change, api, stamp, blob_url)
    if schema is EventSchema.CLOUD_EVENTS:
        return {
            "source": origin.topic,
            "subject": subject,
            "type": change.event_type,
            "time": _timestamp(change.at),
            "id": stamp.event_id,
            "data": data,
            "specversion": "1.0",
        }
    return {
        "topic": origin.topic,
        "subject": subject,
        "eventType": change.event_type,
        "id": stamp.event_id,
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": _timestamp(change.at),
    }


def encode(event: dict[str, object]) -> str:
    """The text of the queue message: base64 of the JSON of one event (not of a list)."""
    return base64.b64encode(json.dumps(event, separators=(",", ":")).encode()).decode("ascii")
