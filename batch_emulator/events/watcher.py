"""Look at containers again and again, and deliver what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from uuid import uuid4

from batch_emulator.events.blobs import BlobApi, BlobVersion, Change, Seen
from batch_emulator.events.changes import changes_between
from batch_emulator.events.disturbance import Disturbance
from batch_emulator.events.envelope import Origin, Stamp, encode, render, subject_of
from batch_emulator.events.ledger import Ledger, Pending
from batch_emulator.events.storage import StorageAccount, StorageUnreachableError
from batch_emulator.events.subscription import Subscription

__all__ = ["Watcher"]

log = logging.getLogger(__name__)

_CONCURRENT_CALLS = 8
_LONGEST_PAUSE_SECONDS = 5.0


class Watcher:
    """Turns what happens in containers into queue messages, for all subscriptions of one account.

    Parameters:
        storage: the account.
        subscriptions: who wants what.
        ledger: memory across restarts.
        topic: resource id of the account, as events name it.
        disturbance: duplicates and disorder to add.
        announce_existing: whether blobs found by a subscription's first look are announced.
        new_id: makes event and request ids.
    """

    def __init__(
        self,
        storage: StorageAccount,
        subscriptions: Sequence[Subscription],
        ledger: Ledger,
        *,
        topic: str,
        disturbance: Disturbance | None = None,
        announce_existing: bool = True,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._storage = storage
        self._subscriptions = tuple(subscriptions)
        self._ledger = ledger
        self._topic = topic
        self._disturbance = disturbance or Disturbance()
        self._announce_existing = announce_existing
        self._new_id = new_id
        self._seen: dict[str, dict[str, Seen]] = {
            item.key: ledger.seen(item.key) for item in self._subscriptions
        }
        self._calls = asyncio.Semaphore(_CONCURRENT_CALLS)

    async def run(self, period_seconds: float, stop: asyncio.Event) -> None:
        """Look and deliver until `stop` is set.

        A storage account that does not answer is asked again with growing pauses; nothing is lost meanwhile.
        """
        pause, failing = period_seconds, False
        while not stop.is_set():
            try:
                await self.look_and_deliver()
            except StorageUnreachableError as error:
                if not failing:
                    log.warning("Storage does not answer (%s); asking again until it does.", error)
                failing, pause = True, min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                if failing:
                    log.warning("Storage answers again.")
                failing, pause = False, period_seconds
            await _until(stop, pause)

    async def look_and_deliver(self) -> int:
        """One look at every container, then deliver what is pending. Returns how many messages were sent.

        Raises:
            StorageUnreachableError: the account did not answer or refused.
        """
        containers = sorted({item.container for item in self._subscriptions})
        listings = await asyncio.gather(*(self._storage.list_blobs(name) for name in containers))
        now = datetime.now(timezone.utc)
        for subscription in self._subscriptions:
            await self._look(subscription, listings[containers.index(subscription.container)], now)
        return sum([await self._deliver(subscription) for subscription in self._subscriptions])

    async def _look(
        self, subscription: Subscription, listing: list[BlobVersion] | None, now: datetime
    ) -> None:
        seen = self._seen[subscription.key]
        if listing is None:
            # Deleting a container sends no event per blob; what comes under its name later is new.
            if seen:
                self._ledger.record(subscription.key, {}, list(seen), [])
                seen.clear()
            return
        first_look = not self._ledger.is_known(subscription.key)
        changes = changes_between(seen, listing, now)
        noticed = {item.name: item.seen for item in listing if seen.get(item.name) != item.seen}
        gone = [change.name for change in changes if change.version is None]
        if not (first_look or noticed or gone):
            return
        if first_look and not self._announce_existing:
            changes = []
        messages = await self._messages(subscription, changes)
        self._ledger.record(subscription.key, noticed, gone, messages)
        seen.update(noticed)
        for name in gone:
            del seen[name]

    async def _messages(self, subscription: Subscription, changes: Sequence[Change]) -> list[Pending]:
        wanted = [
            change
            for change in changes
            if subscription.filter.accepts(change.event_type, subject_of(subscription.container, change.name))
        ]
        apis = await asyncio.gather(*(self._api_of(subscription.container, change) for change in wanted))
        number = self._ledger.next_number()
        return [
            Pending(number + index, self._message(subscription, change, api, number + index))
            for index, (change, api) in enumerate(zip(wanted, apis, strict=True))
        ]

    async def _api_of(self, container: str, change: Change) -> BlobApi:
        if change.version is None:
            return BlobApi.DELETE_BLOB
        async with self._calls:
            return await self._storage.api_of(container, change.version)

    def _message(self, subscription: Subscription, change: Change, api: BlobApi, number: int) -> str:
        container = subscription.container
        event = render(
            change,
            api,
            origin=Origin(self._topic, container),
            stamp=Stamp(self._new_id(), self._new_id(), number),
            blob_url=self._storage.blob_url(container, change.name),
            schema=subscription.schema,
        )
        return encode(event)

    async def _deliver(self, subscription: Subscription) -> int:
        batch = self._disturbance.apply(self._ledger.pending(subscription.key))
        if not batch:
            return 0
        results = await asyncio.gather(
            *(self._send(subscription.queue, item) for item in batch), return_exceptions=True
        )
        sent = [item for item, result in zip(batch, results, strict=True) if result is None]
        self._ledger.mark_sent(item.number for item in sent)
        log.info("%s: %d message(s) sent", subscription.key, len(sent))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(sent)

    async def _send(self, queue: str, item: Pending) -> None:
        async with self._calls:
            await self._storage.send(queue, item.message)


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except asyncio.TimeoutError:
        return
