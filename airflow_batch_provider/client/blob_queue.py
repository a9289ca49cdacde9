"""A storage queue of blob events: received in batches, deleted once they are stored, poison set aside.

A message stays in the queue, hidden, until :meth:`BlobEventQueue.acknowledge`; whoever dies before that
leaves it to be delivered again. Repeated deliveries and repeated events are recognised and dropped here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.blob_events import BlobEvent, MalformedEventError, parse_message

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

log = logging.getLogger(__name__)

RECEIVE_PAGE = 32  # Azure Storage: *Get Messages* returns at most 32
MESSAGE_BYTES = 64 * 1024  # Azure Storage: *Put Message*
REMEMBERED_EVENTS = 10_000
POISON_SUFFIX = "-poison"


@dataclass(frozen=True)
class QueueTiming:
    """How the queue is read. All in seconds but the counts.

    :param poll: between looks into an empty queue.
    :param quiet: a batch is closed when nothing more came for this long.
    :param longest: a batch is closed this long after its first event, also when more keep coming.
    :param spacing: least time between two batches. Airflow 3.3 strands an asset event that comes before
        the scheduler consumed the one before it (apache/airflow#56050), so a burst must be one batch.
    :param visibility: how long a received message stays hidden from others.
    :param max_batch: events in one batch.
    :param max_deliveries: a message delivered more often than this is set aside as poison. Every time that
        the visibility ends counts, so this many of them is how long Airflow may be unable to store events
        before good ones are set aside: an hour.
    """

    poll: float = 0.5
    quiet: float = 0.4
    longest: float = 2.0
    spacing: float = 3.0
    visibility: int = 120
    max_batch: int = 100
    max_deliveries: int = 30


@dataclass(frozen=True)
class Receipt:
    """What deletes a message: valid until the message is delivered again."""

    message_id: str
    pop_receipt: str


@dataclass
class Batch:
    """Events to be stored together, and the messages they came from."""

    events: list[BlobEvent] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)


class BlobEventQueue:
    """Reads one queue for one process.

    :param open_client: gives an async ``QueueClient`` for a queue's name.
    :param name: of the queue; poison goes to ``{name}-poison``.
    """

    def __init__(
        self,
        open_client: Callable[[str], QueueClient],
        name: str,
        timing: QueueTiming | None = None,
    ) -> None:
        self.name = name
        self.timing = timing or QueueTiming()
        self._open_client = open_client
        self._client: QueueClient | None = None
        self._in_flight: dict[str, Receipt] = {}
        self._pending_events: dict[str, Batch] = {}
        self._stored_events: OrderedDict[str, None] = OrderedDict()
        self._unreachable = False

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield batches of new events for ever; trouble with the queue is logged once and waited out."""
        loop = asyncio.get_running_loop()
        not_before = loop.time()
        while True:
            batch = await self._collect(not_before)
            not_before = loop.time() + self.timing.spacing
            yield batch

    async def acknowledge(self, batch: Batch) -> None:
        """Delete a batch's messages: its events are stored.

        Never raises for a message that can't be deleted now: it comes again and is known as stored.
        """
        for event in batch.events:
            self._pending_events.pop(event.version, None)
            self._stored_events[event.version] = None
        while len(self._stored_events) > REMEMBERED_EVENTS:
            self._stored_events.popitem(last=False)
        receipts = [self._in_flight.pop(name) for name in batch.message_ids if name in self._in_flight]
        try:
            for receipt in receipts:
                await self._delete(self._connected(), receipt)
        except Exception as error:  # a stored event must not become an error
            self._report_unreachable(error)

    def release(self, batch: Batch) -> None:
        """Forget a batch that could not be stored: the queue will deliver its messages again."""
        for message_id in batch.message_ids:
            self._in_flight.pop(message_id, None)
        for event in batch.events:
            self._pending_events.pop(event.version, None)

    async def aclose(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _collect(self, not_before: float) -> Batch:
        """Fill one batch: until the queue is quiet, not before its time, not beyond its size."""
        loop = asyncio.get_running_loop()
        batch = Batch()
        empty_looks = 0
        opened: float | None = None
        while len(batch.events) < self.timing.max_batch:
            found = await self._receive_into(batch)
            empty_looks = 0 if found else empty_looks + 1
            if batch.events:
                now = loop.time()
                opened = now if opened is None else opened
                complete = empty_looks > 1 or now >= opened + self.timing.longest
                if complete and now >= not_before:
                    return batch
            if not found:
                await asyncio.sleep(self.timing.quiet if batch.events else self.timing.poll)
        await asyncio.sleep(max(0.0, not_before - loop.time()))
        return batch

    async def _receive_into(self, batch: Batch) -> bool:
        """Receive one page. Whether anything came."""
        count = 0
        room = min(RECEIVE_PAGE, self.timing.max_batch - len(batch.events))
        try:
            client = self._connected()
            async for message in client.receive_messages(
                messages_per_page=room, max_messages=room, visibility_timeout=self.timing.visibility
            ):
                count += 1
                await self._accept(client, message, batch)
        except Exception as error:  # the queue must be read again, whatever went wrong
            self._report_unreachable(error)
            await asyncio.sleep(self.timing.poll * 4)
            return False
        if self._unreachable:
            self._unreachable = False
            log.info("Queue %r answers again.", self.name)
        return count > 0

    def _connected(self) -> QueueClient:
        if self._client is None:
            self._client = self._open_client(self.name)
        return self._client

    async def _accept(self, client: QueueClient, message: Any, batch: Batch) -> None:
        receipt = Receipt(message.id, message.pop_receipt)
        if message.id in self._in_flight:  # came again before it was stored: only its receipt is new
            self._in_flight[message.id] = receipt
            return
        if message.dequeue_count > self.timing.max_deliveries:
            await self._set_aside(
                client, message, f"delivered {message.dequeue_count} times and never stored"
            )
            return
        try:
            event = parse_message(message.content)
        except MalformedEventError as error:
            await self._set_aside(client, message, f"not a blob event: {error}")
            return
        if event.version in self._stored_events or not event.kind:
            await self._delete(client, receipt)
            return
        self._in_flight[message.id] = receipt
        earlier = self._pending_events.get(event.version)
        if earlier is not None:  # the same version announced twice: deleted together with the first
            earlier.message_ids.append(message.id)
            return
        batch.message_ids.append(message.id)
        batch.events.append(event)
        self._pending_events[event.version] = batch

    async def _set_aside(self, client: QueueClient, message: Any, reason: str) -> None:
        """Move a message to the poison queue, with the reason: put there first, then deleted here.

        One that cannot be moved now stays here and is tried again when it is delivered again; it must not
        keep the messages behind it from being read.
        """
        from azure.core.exceptions import AzureError

        try:
            await self._move_to_poison(client, message, reason)
        except AzureError as error:
            log.warning(
                "Message %s of queue %r is of no use (%s), and cannot be put into %r (%s). It stays and is "
                "tried again. Create that queue, or give the connection the right to create it and to send.",
                message.id,
                self.name,
                reason,
                self.name + POISON_SUFFIX,
                type(error).__name__,
            )
            return
        log.error(
            "Message %s of queue %r was set aside in %r: %s. "
            "Look at it there; put it back once the cause is gone.",
            message.id,
            self.name,
            self.name + POISON_SUFFIX,
            reason,
        )

    async def _move_to_poison(self, client: QueueClient, message: Any, reason: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        note = {
            "reason": reason,
            "queue": self.name,
            "messageId": message.id,
            "dequeueCount": message.dequeue_count,
        }
        text = _poison_message(note, message.content or "")
        async with self._open_client(self.name + POISON_SUFFIX) as poison:
            try:
                await poison.send_message(text)
            except ResourceNotFoundError:  # not created beforehand: that takes a right that sending does not
                await poison.create_queue()
                await poison.send_message(text)
        await self._delete(client, Receipt(message.id, message.pop_receipt))

    async def _delete(self, client: QueueClient, receipt: Receipt) -> None:
        """Delete a message. One that was meanwhile delivered to another reader is that reader's."""
        from azure.core.exceptions import HttpResponseError

        try:
            await client.delete_message(receipt.message_id, receipt.pop_receipt)
        except HttpResponseError as error:
            if error.status_code not in (400, 404):
                raise
            log.info("Message %s of queue %r was delivered again meanwhile.", receipt.message_id, self.name)

    def _report_unreachable(self, error: Exception) -> None:
        if not self._unreachable:
            self._unreachable = True
            log.warning(
                "Queue %r can't be read (%s). Blobs that arrive now are kept by the queue and come later. "
                "Check that the queue exists, that the connection may read it, and the network. Trying on.",
                self.name,
                type(error).__name__,
            )


def _poison_message(note: dict[str, Any], content: str) -> str:
    """A note on a message and as much of its text as one message holds: escapes and base64 make it longer."""
    kept = len(content)
    while True:
        text = base64.b64encode(json.dumps({**note, "text": content[:kept]}).encode()).decode()
        if len(text) <= MESSAGE_BYTES or not kept:
            return text
        kept //= 2
