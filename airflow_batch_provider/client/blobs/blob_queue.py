"""A storage queue of blob events: received in batches, deleted once they are stored, poison set aside.

A message stays in the queue, hidden, until its event is stored; whoever dies before that leaves it to be
delivered again. While its event is in hand the hiding is prolonged, however long the storing takes. Repeated
deliveries and repeated events are recognised and dropped here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.blobs.announcements import (
    MAX_DELIVERIES,
    REMEMBERED_EVENTS,
    Announcement,
    Announcements,
    Batch,
)
from airflow_batch_provider.client.blobs.blob_events import MalformedEventError, parse_message
from airflow_batch_provider.client.blobs.poison import set_aside
from airflow_batch_provider.client.requests.service_errors import error_code
from airflow_batch_provider.spec.blob_batching import MOST_IN_HAND

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

log = logging.getLogger(__name__)

RECEIVE_PAGE = 32  # Azure Storage: *Get Messages* returns at most 32
AT_ONCE = 16
"""Requests at the same time where each message needs one."""


@dataclass(frozen=True)
class QueueTiming:
    """How the queue is read. All in seconds but the counts.

    :param poll: between looks into an empty queue, and between batches while watchers hold events.
    :param settle: before the first batch: who starts together with the reader shall see it.
    :param quiet: a batch is closed when nothing more came for this long.
    :param longest: a batch is closed this long after its first event, also when more keep coming.
    :param visibility: how long a received message stays hidden from others; prolonged at half of it.
    :param most_in_hand: events received and not stored. Beyond it the queue keeps them.
    :param max_deliveries: a message delivered more often than this is set aside as poison. Every time that
        the visibility ends counts.
    :param unwanted_deliveries: an event that no watcher of this reader wants is left to others, who may
        want it, and deleted when it came so often; or as often as it may, so that it does not become poison.
    """

    poll: float = 0.5
    settle: float = 3.0
    quiet: float = 0.4
    longest: float = 2.0
    visibility: int = 60
    most_in_hand: int = MOST_IN_HAND
    max_deliveries: int = MAX_DELIVERIES
    unwanted_deliveries: int = 10


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
        self._announcements = Announcements()
        self._failures: OrderedDict[str, str] = OrderedDict()
        self._renew_at = 0.0
        self._receipts = asyncio.Lock()
        self._trouble = ""
        self._unwanted = 0

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield batches for ever, empty ones while watchers hold events.

        Trouble with the queue is logged once and waited out.
        """
        await asyncio.sleep(self.timing.settle)
        while True:
            batch = await self._collect()
            if batch.news or len(self._announcements):
                yield batch
            else:
                await asyncio.sleep(self.timing.poll)

    async def acknowledge(self, batch: Batch) -> None:
        """Airflow has stored what watchers told of with this batch: delete what nobody holds any more.

        Never raises for a message that can't be deleted now: it comes again and is known as stored.
        """
        unwanted_deliveries = min(self.timing.unwanted_deliveries, self.timing.max_deliveries)
        try:
            async with self._receipts:  # a receipt is not renewed while it is used
                done = [
                    known
                    for known in self._announcements.settle(batch)
                    if known.was_wanted or known.deliveries >= unwanted_deliveries
                ]
                receipts = [receipt for known in done for receipt in known.receipts.items()]
                await self._each(receipts, self._delete)
            self._tell_unwanted([known for known in done if not known.was_wanted])
        except Exception as error:  # a stored event must not become an error
            self._report_unreachable(error)

    def release(self, given_up: Iterable[Announcement], reason: str) -> None:
        """Airflow has not stored this, or nobody is there to tell it: the queue delivers the messages again.

        :param reason: goes with a message that is set aside in the end.
        """
        for known in self._announcements.forget(given_up):
            for message_id in known.receipts:
                self._failures[message_id] = reason
        while len(self._failures) > REMEMBERED_EVENTS:
            self._failures.popitem(last=False)

    async def aclose(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _collect(self) -> Batch:
        """Fill one batch: until the queue is quiet; at once while others wait and nothing comes."""
        loop = asyncio.get_running_loop()
        batch = Batch(give_up=self.release, max_deliveries=self.timing.max_deliveries)
        closes = loop.time() + self.timing.longest
        empty_looks = 0
        while len(self._announcements) < self.timing.most_in_hand and loop.time() < closes:
            await self._renew()
            found = await self._receive_into(batch)
            empty_looks = 0 if found else empty_looks + 1
            if empty_looks > (1 if batch.news else 0):
                break
            if not found:
                await asyncio.sleep(self.timing.quiet)
        await self._renew()
        if not batch.news and len(self._announcements):
            await asyncio.sleep(self.timing.poll)
        return batch

    async def _receive_into(self, batch: Batch) -> bool:
        """Receive one page. Whether anything came."""
        count = 0
        room = min(RECEIVE_PAGE, self.timing.most_in_hand - len(self._announcements))
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
        if self._trouble:
            self._trouble = ""
            log.info("Queue %r answers again.", self.name)
        return count > 0

    def _connected(self) -> QueueClient:
        if self._client is None:
            self._client = self._open_client(self.name)
        return self._client

    async def _accept(self, client: QueueClient, message: Any, batch: Batch) -> None:
        if self._announcements.comes_again(message.id, message.pop_receipt):
            return
        receipt = (message.id, message.pop_receipt)
        if message.dequeue_count > self.timing.max_deliveries:
            why = self._failures.get(message.id, "whoever received it ended before Airflow had stored it")
            reason = f"delivered {message.dequeue_count} times and never stored: {why}"
            await self._set_aside(client, message, reason)
            return
        try:
            event = parse_message(message.content)
        except MalformedEventError as error:
            await self._set_aside(client, message, f"not a blob event: {error}")
            return
        if not event.kind or self._announcements.is_stored(event):
            await self._delete(receipt)
        elif news := self._announcements.take(event, *receipt, message.dequeue_count):
            batch.news.append(news)

    async def _set_aside(self, client: QueueClient, message: Any, reason: str) -> None:
        # Put there first, then deleted here.
        if await set_aside(self._open_client, self.name, client, message, reason):
            await self._delete((message.id, message.pop_receipt))

    async def _renew(self) -> None:
        """Prolong the hiding of all messages in hand, when half of it is over."""
        now = asyncio.get_running_loop().time()
        if now < self._renew_at:
            return
        self._renew_at = now + self.timing.visibility / 2
        try:
            async with self._receipts:
                await self._each(self._announcements.messages(), self._prolong)
        except Exception as error:  # what cannot be prolonged now is delivered again
            self._report_unreachable(error)

    async def _prolong(self, receipt: tuple[str, str]) -> None:
        from azure.core.exceptions import HttpResponseError

        try:
            renewed = await self._connected().update_message(
                *receipt, visibility_timeout=self.timing.visibility
            )
        except HttpResponseError as error:
            if error.status_code not in (400, 404):
                raise
            return  # delivered to another reader meanwhile
        self._announcements.comes_again(receipt[0], str(renewed.pop_receipt))

    async def _delete(self, receipt: tuple[str, str]) -> None:
        """Delete a message. One that was meanwhile delivered to another reader is that reader's."""
        from azure.core.exceptions import HttpResponseError

        try:
            await self._connected().delete_message(*receipt)
        except HttpResponseError as error:
            if error.status_code not in (400, 404):
                raise
            log.info("Message %s of queue %r was delivered again meanwhile.", receipt[0], self.name)

    async def _each(
        self, receipts: Iterable[tuple[str, str]], do: Callable[[tuple[str, str]], Awaitable[None]]
    ) -> None:
        free = asyncio.Semaphore(AT_ONCE)

        async def one(receipt: tuple[str, str]) -> None:
            async with free:
                await do(receipt)

        results = await asyncio.gather(*map(one, receipts), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _tell_unwanted(self, deleted: list[Announcement]) -> None:
        """Say that messages go which nobody wants: the first, the tenth, the hundredth..."""
        for known in deleted:
            self._unwanted += 1
            if str(self._unwanted).strip("0") == "1":
                log.warning(
                    "Queue %r: no watcher here wants blob %r of container %r (%s). It came %d times, and its "
                    "message is deleted, as %d in all. If that is wrong compare the watchers' container, "
                    "prefix, suffix and other filters; if it is right filter in the event subscription.",
                    self.name,
                    known.event.name,
                    known.event.container,
                    known.event.kind,
                    known.deliveries,
                    self._unwanted,
                )

    def _report_unreachable(self, error: Exception) -> None:
        trouble = f"{type(error).__name__} {error_code(error)}".strip()
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning(
                "Queue %r can't be read (%s). Blobs that arrive now are kept by the queue and come later. "
                "Check that the queue exists, that the connection may read it, and the network. Trying on.",
                self.name,
                trouble,
            )
