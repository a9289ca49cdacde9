"""Tell Airflow of blobs: a trigger for ``AssetWatcher`` that reads Event Grid messages from a storage queue.

The event is a wake-up that carries a batch of blobs. The DAG's first task should be an
``AzureBlobClaimOperator``, which takes every blob announced so far and not taken yet: Airflow 3.3 may start
no run for an asset event that comes before the scheduler consumed the one before it (apache/airflow#56050).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_batch_provider.client.blobs.announcements import MAX_DELIVERIES, Announcement, Batch
from airflow_batch_provider.client.blobs.event_order import in_order
from airflow_batch_provider.client.blobs.waiting_blobs import WaitingBlobs
from airflow_batch_provider.spec.blob_batching import BlobBatching
from airflow_batch_provider.spec.blob_filter import BlobFilter
from airflow_batch_provider.spec.checks import check_texts, refuse_jinja
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.options import whole
from airflow_batch_provider.spec.storage_names import check_watched_queue
from airflow_batch_provider.spec.watch_slips import warn_of_slips
from airflow_batch_provider.triggers.backlog import Backlog
from airflow_batch_provider.triggers.blob_stream import read_alone, shared_producer

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import SharedStreamProducer

log = logging.getLogger(__name__)


class BlobCreatedTrigger(BaseEventTrigger):
    """Fires when blobs were written whose events arrived in a storage queue.

    :param queue_name: the storage queue that an Event Grid subscription delivers to.
    :param conn_id: Azure Batch connection whose storage account holds the queue.
    :param container: only blobs of this container; all when empty.
    :param prefix: only blobs whose name begins so.
    :param suffix: only blobs whose name ends so, such as ``.mp4``, or with one of several; in any case of
        letters.
    :param pattern: only blobs whose whole name matches, such as ``scans/*/page-?.tiff``; ``*`` stops at
        ``/``, ``**`` does not.
    :param min_bytes: only blobs of so many bytes or more; 1 leaves empty ones out.
    :param max_bytes: only blobs of so many bytes or fewer.
    :param content_type: only blobs of this MIME type, such as ``image/*``, or of one of several.
    :param event_types: what must have happened to a blob: ``created`` (also overwritten), ``renamed`` (with a
        hierarchical namespace; the other filters look at the new name), ``deleted``; one or several.
    :param max_batch: most blobs in one event.
    :param min_batch: an event is made when so many blobs wait; needs ``longest_wait``.
    :param quiet_period: an event is made when no further blob came for so long; a ``timedelta`` or seconds.
    :param longest_wait: an event is made when a blob has waited so long, whatever else holds.
    :param dag_ids: DAGs that the events start. While one of them has ``max_runs`` runs that have not ended,
        blobs wait in the queue.
    :param max_runs: see ``dag_ids``; best the DAG's ``max_active_runs``.
    :param max_deliveries: a message that is delivered more often, since its event was never stored, goes to
        the queue ``{queue_name}-poison``. A delivery lasts a minute, or until the triggerer ends. Give all
        watchers of a queue the same.

    :raises SpecError: a value that cannot work; at DAG parse.

    Watchers with the same queue in one triggerer share one reader. With several triggerers give each set of
    filters a queue of its own: a message goes to one triggerer.

    A message is deleted only after Airflow stored the event (Airflow 3.3; before it, some seconds later),
    repeated events are dropped, and messages that are no blob event or fail again and again go to the queue
    ``{queue_name}-poison``.

    The payload is ``{"blobs": [{"type", "url", "source_url", "container", "name", "etag", "size", ...}]}``,
    see :class:`~airflow_batch_provider.client.blobs.blob_events.BlobEvent`; those of one blob in order.
    """

    def __init__(
        self,
        queue_name: str = "blob-events",
        conn_id: str = "azure_batch_default",
        container: str = "",
        prefix: str = "",
        suffix: str | Sequence[str] = "",
        max_batch: int = 1000,
        *,
        pattern: str = "",
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        content_type: str | Sequence[str] = "",
        event_types: str | Sequence[str] = ("created",),
        min_batch: int = 1,
        quiet_period: timedelta | float = 0.0,
        longest_wait: timedelta | float | None = None,
        dag_ids: str | Sequence[str] = (),
        max_runs: int = 16,
        max_deliveries: int = MAX_DELIVERIES,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        where = "BlobCreatedTrigger"
        refuse_jinja(where, conn_id=conn_id, queue_name=queue_name)
        check_watched_queue(queue_name, what="queue_name", where=where)
        check_texts(where, conn_id=conn_id)
        if whole(max_deliveries, "max_deliveries", 1, where) is None:
            raise SpecError(
                "max_deliveries is None", where=where, right="A whole number from 1 up is needed."
            )
        self.queue_name = queue_name
        self.max_deliveries = max_deliveries
        self.conn_id = conn_id
        self.batching = BlobBatching.of(
            where,
            max_batch=max_batch,
            min_batch=min_batch,
            quiet_period=quiet_period,
            longest_wait=longest_wait,
            dag_ids=dag_ids,
            max_runs=max_runs,
        )
        self.wanted = BlobFilter.of(
            where,
            container=container,
            prefix=prefix,
            suffix=suffix,
            pattern=pattern,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            content_type=content_type,
            event_types=event_types,
        )
        warn_of_slips(self.wanted, where)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        usual = self.max_deliveries == MAX_DELIVERIES
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "queue_name": self.queue_name,
            "conn_id": self.conn_id,
            **self.wanted.arguments(),
            **self.batching.arguments(),
            **({} if usual else {"max_deliveries": self.max_deliveries}),
        }

    def shared_stream_key(self) -> Hashable:
        return ("azure-storage-queue", self.conn_id, self.queue_name)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        trigger = cls(**kwargs)
        return shared_producer(trigger.queue_name, trigger.conn_id, trigger.max_deliveries)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Batch]) -> AsyncIterator[TriggerEvent]:
        waiting = WaitingBlobs(self.batching)
        backlog = Backlog(self.batching.dag_ids, self.batching.max_runs)
        batch, compared = Batch(), False
        try:
            async for batch in shared_stream:
                if not compared:
                    self._compare(batch)
                    compared = True
                now = monotonic()
                waiting.add((known for known in batch.news if self.wanted.accepts(known.event)), now)
                if waiting.is_due(now) and await backlog.has_room():
                    told = waiting.take(now)
                    batch.told.extend(told)
                    yield _event_of(told)
        finally:
            batch.give_up(waiting.rest(), "its watcher ended")

    def _compare(self, batch: Batch) -> None:
        """The first watcher of a queue has made the reader, with its own number."""
        if batch.max_deliveries != self.max_deliveries:
            log.warning(
                "A watcher of queue %r has max_deliveries=%d, but the reader that it shares has %d, which "
                "holds for all its watchers. Give all watchers of the queue the same.",
                self.queue_name,
                self.max_deliveries,
                batch.max_deliveries,
            )

    async def run(self) -> AsyncGenerator[TriggerEvent, None]:
        """Read the queue alone: for Airflow before 3.3, which has no shared streams."""
        stream = read_alone(self.queue_name, self.conn_id, self.max_deliveries)
        async for event in self.filter_shared_stream(stream):
            yield event


def _event_of(told: Sequence[Announcement]) -> TriggerEvent:
    events = in_order(known.event for known in told)
    return TriggerEvent({"blobs": [event.to_payload() for event in events]})
