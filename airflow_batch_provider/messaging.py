"""Storage queues of blob events for ``MessageQueueTrigger`` of the common-messaging provider.

Imported by that provider only, where it is installed (extra ``messaging``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow.providers.common.messaging.providers.base_provider import BaseMessageQueueProvider

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger

SCHEME = "azure-storage-queue"


class AzureStorageQueueMessageQueueProvider(BaseMessageQueueProvider):
    """Makes ``MessageQueueTrigger(scheme="azure-storage-queue", ...)`` a ``BlobCreatedTrigger`` with those
    arguments.

    The older form names the queue in a URI: ``queue="azure-storage-queue://blob-events?conn_id=my_batch"``.
    """

    scheme = SCHEME

    def queue_matches(self, queue: str) -> bool:
        """Whether a URI names a storage queue."""
        return urlsplit(queue).scheme == SCHEME

    def trigger_class(self) -> type[BaseEventTrigger]:
        """The trigger that reads it."""
        from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

        return BlobCreatedTrigger

    def trigger_kwargs(self, queue: str, **kwargs: Any) -> dict[str, Any]:
        """The trigger's arguments that a URI holds: the queue's name, and texts after the question mark."""
        parts = urlsplit(queue)
        return {"queue_name": parts.netloc, **dict(parse_qsl(parts.query))}
