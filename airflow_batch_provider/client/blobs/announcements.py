"""Which events of a queue are in whose hands: what may be deleted from it, and what must come again. Pure.

Several watchers read one queue. A watcher that wants an event holds it until Airflow has stored what the
watcher told of it; the event's messages are deleted when nobody holds it any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from airflow_batch_provider.client.blobs.blob_events import BlobEvent

REMEMBERED_EVENTS = 10_000
MAX_DELIVERIES = 60
"""A message is of no use after so many: about an hour, since each lasts a minute. So long may Airflow be
unable to store events before good ones are set aside."""


@dataclass(eq=False)
class Announcement:
    """One event that was received and is not settled yet.

    :param receipts: message id -> receipt that deletes it; several when the event was sent repeatedly.
    :param deliveries: how often the queue has delivered it.
    :param holders: watchers that want it and have not stored it.
    :param was_wanted: whether any watcher wanted it.
    """

    event: BlobEvent
    receipts: dict[str, str] = field(default_factory=dict)
    deliveries: int = 1
    holders: int = 0
    was_wanted: bool = False

    def hold(self) -> None:
        """A watcher wants this event and will store it."""
        self.holders += 1
        self.was_wanted = True


@dataclass
class Batch:
    """What a reader shows its watchers at one time; there may be nothing new in it.

    :param news: what came.
    :param told: what watchers have told Airflow of while they had this batch, each for itself: once Airflow
        says that it has stored that, the batch is acknowledged.
    :param give_up: called by a watcher that ends, with what it holds and why.
    :param max_deliveries: of the reader.
    """

    news: list[Announcement] = field(default_factory=list)
    told: list[Announcement] = field(default_factory=list)
    give_up: Callable[[Iterable[Announcement], str], None] = lambda given_up, reason: None
    max_deliveries: int = MAX_DELIVERIES

    @property
    def events(self) -> list[BlobEvent]:
        """The new events."""
        return [known.event for known in self.news]


class Announcements:
    """The events that one reader of a queue has in hand."""

    def __init__(self) -> None:
        self._open: dict[str, Announcement] = {}
        self._of_message: dict[str, Announcement] = {}
        self._stored: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def comes_again(self, message_id: str, receipt: str) -> bool:
        """Whether this message is in hand already; only its receipt is new then."""
        known = self._of_message.get(message_id)
        if known is not None:
            known.receipts[message_id] = receipt
        return known is not None

    def is_stored(self, event: BlobEvent) -> bool:
        """Whether this was stored lately, so that the message is a repetition."""
        return event.version in self._stored

    def take(self, event: BlobEvent, message_id: str, receipt: str, deliveries: int) -> Announcement | None:
        """Take a message in hand. None when its event is in hand already, with which it goes from now on."""
        known = self._open.get(event.version)
        news = known is None
        if known is None:
            known = self._open[event.version] = Announcement(event, deliveries=deliveries)
        known.receipts[message_id] = receipt
        self._of_message[message_id] = known
        return known if news else None

    def messages(self) -> list[tuple[str, str]]:
        """Id and receipt of every message in hand."""
        return [pair for known in self._open.values() for pair in known.receipts.items()]

    def settle(self, batch: Batch) -> list[Announcement]:
        """Airflow has stored what was told with a batch: take out of hand what nobody holds.

        :returns: what was taken out: to be deleted if it was wanted.
        """
        for known in batch.told:
            known.holders -= 1
        out = [known for known in (*batch.news, *batch.told) if known.holders <= 0 and self._drop(known)]
        for known in out:
            if known.was_wanted:
                self._stored[known.event.version] = None
        while len(self._stored) > REMEMBERED_EVENTS:
            self._stored.popitem(last=False)
        return out

    def forget(self, given_up: Iterable[Announcement]) -> list[Announcement]:
        """Take out of hand what was not stored: the queue delivers its messages again.

        :returns: what was in hand of it.
        """
        return [known for known in given_up if self._drop(known)]

    def _drop(self, known: Announcement) -> bool:
        if self._open.get(known.event.version) is not known:
            return False
        del self._open[known.event.version]
        for message_id in known.receipts:
            self._of_message.pop(message_id, None)
        return True
