"""Receipts: small blobs that say which run took which blob version, so that each is taken once.

A receipt is created with *If-None-Match*, which storage decides atomically: of any number of runs that see
the same announcement one gets it. A run that died and comes back finds its own receipts and goes on.
The idea is that of Azure Functions' blob receipts (*Blob trigger*).

Receipts lie by day, so that a look lists only the days it asks about. A queue and a listing tell of one
version with times that differ by seconds, or by the time its upload took. So near midnight a version has a
receipt on both days, taken in their order, and who holds the last one holds the version: who has got that far
either holds the first one too, or was told of the second day only and came before whoever holds the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_batch_provider.client.blobs.blob_events import BlobEvent
from airflow_batch_provider.client.blobs.event_order import TIMES_DIFFER, latest_of_each
from airflow_batch_provider.spec.blob_filter import CREATED

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_OWNER = "owner"

_READ_AT_ONCE = 8
"""Requests at the same time; Azure's client keeps ten connections."""


@dataclass(frozen=True)
class Claims:
    """What one look brought.

    :param mine: blob versions that this run holds, taken now or by an earlier try of it.
    :param others: how many of the announced ones other runs hold.
    :param left: those that nobody holds, because of the limit.
    """

    mine: list[BlobEvent]
    others: int
    left: list[BlobEvent]


class Receipts:
    """The receipts of one consumer in one container.

    :param container: client of the container that holds the receipts; it must exist.
    :param consumer: who works on the blobs, such as ``dag_id/task_id``.
    :param owner: the run that claims, such as the DAG run's id.
    :param etag_now: tells the ETag that an announced blob has now; empty: it is not known. Called from
        several threads.
    """

    def __init__(
        self,
        container: ContainerClient,
        consumer: str,
        owner: str,
        etag_now: Callable[[BlobEvent], str] = lambda event: "",
    ) -> None:
        self._container = container
        self._consumer = consumer
        self._owner = owner
        self._etag_now = etag_now
        # Metadata holds ASCII only, and run ids may hold anything.
        self._mark = _digest(owner)

    def claim(self, events: Iterable[BlobEvent], limit: int | None = None) -> Claims:
        """Take what nobody has taken.

        :param events: announcements in any order, repeated ones allowed. Of each blob only the last is
            taken: what was overwritten or deleted since cannot be worked on. Where the order cannot be told,
            what the blob is now decides, and where that is not known all are taken.
        :param limit: most versions to hold; the rest stays for another run, also what an earlier try of this
            one holds under a greater limit.
        """
        held = self._noted()
        latest = latest_of_each(events)
        announced = {event.version: event for event in (*held, *latest)}
        receipts = {version: self._names(event) for version, event in announced.items()}
        owners = self._owners(name for names in receipts.values() for name in names)
        free = {version for version, names in receipts.items() if not any(name in owners for name in names)}
        mine: list[BlobEvent] = []
        with ThreadPoolExecutor(_READ_AT_ONCE) as threads:
            for version in free & self._overwritten(latest, free, threads):
                del announced[version]
            lacking = {
                version: names
                for version in announced
                if (names := self._lacking(receipts[version], owners)) is not None
            }
            rest = [announced[version] for version in lacking]
            while rest and (limit is None or len(mine) < limit):
                room = len(rest) if limit is None else limit - len(mine)
                tried, rest = rest[:room], rest[room:]
                holds = threads.map(lambda event: self._hold(lacking[event.version], event), tried)
                mine += [event for event, is_held in zip(tried, holds, strict=True) if is_held]
            told = {event.version for event in latest}  # nobody else would hear of others
            left = [event for event in rest if event.version in told]
            held_too = [name for event in left for name in receipts[event.version] if name in owners]
            list(threads.map(self._give_back, held_too))
        if mine != held:
            self._note(mine)
        return Claims(mine, len(announced) - len(mine) - len(left), left)

    def _overwritten(self, latest: Iterable[BlobEvent], free: Collection[str], threads: Executor) -> set[str]:
        """Of versions whose order is not known those that are not there any more; one look for a blob."""
        rivals: dict[str, dict[str, BlobEvent]] = {}
        for event in latest:
            rivals.setdefault(event.url, {})[event.version] = event
        unclear = [same for same in rivals.values() if len(same) > 1 and not same.keys().isdisjoint(free)]
        etags = threads.map(lambda same: self._etag_now(next(iter(same.values()))), unclear)
        gone: set[str] = set()
        for same, etag in zip(unclear, etags, strict=True):
            there = {
                version
                for version, event in same.items()
                if event.kind == CREATED and event.etag == etag != ""
            }
            gone |= same.keys() - there if there else set()
        return gone

    def _names(self, event: BlobEvent) -> list[str]:
        return [f"{self._consumer}/{day}/{_digest(event.version)}.json" for day in _days(event.time)]

    def _lacking(self, names: list[str], owners: Mapping[str, str]) -> list[str] | None:
        """The receipts that this run still has to take; None: another run holds the version."""
        there = [number for number, name in enumerate(names, 1) if name in owners]
        last = there[-1] if there else 0
        return None if last and owners[names[last - 1]] != self._mark else names[last:]

    def _hold(self, names: Iterable[str], event: BlobEvent) -> bool:
        return all(self._take(name, event) for name in names)

    def _owners(self, names: Iterable[str]) -> dict[str, str]:
        """The marks of the owners of all receipts that lie beside these: one listing for each day."""
        days = {name.rpartition("/")[0] + "/" for name in names}
        return {
            found.name: (found.metadata or {}).get(_OWNER, "")
            for day in days
            for found in self._container.list_blobs(name_starts_with=day, include=["metadata"])
        }

    def _take(self, name: str, event: BlobEvent) -> bool:
        from azure.core.exceptions import ResourceExistsError

        receipt = {
            "owner": self._owner,
            "url": event.url,
            "etag": event.etag,
            "event": event.id,
            "claimed": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        try:
            self._container.upload_blob(
                name, json.dumps(receipt).encode(), overwrite=False, metadata={_OWNER: self._mark}
            )
        except ResourceExistsError:
            return self._owns(name)
        return True

    def _give_back(self, name: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        with suppress(ResourceNotFoundError):
            if self._owns(name):
                self._container.delete_blob(name)

    def _owns(self, name: str) -> bool:
        properties = self._container.get_blob_client(name).get_blob_properties()
        return bool((properties.metadata or {}).get(_OWNER) == self._mark)

    def _noted(self) -> list[BlobEvent]:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            content = self._container.download_blob(self._note_name).readall()
        except ResourceNotFoundError:
            return []
        return [BlobEvent.from_payload(payload) for payload in json.loads(content)]

    def _note(self, mine: list[BlobEvent]) -> None:
        content = json.dumps([event.to_payload() for event in mine]).encode()
        self._container.upload_blob(self._note_name, content, overwrite=True)

    @property
    def _note_name(self) -> str:
        return f"{self._consumer}/runs/{self._mark}.json"


def _days(time: str) -> list[str]:
    """The days of an event's receipts, in order."""
    try:
        moment = datetime.fromisoformat(time[:19])
        return sorted({(moment + apart).date().isoformat() for apart in (-TIMES_DIFFER, TIMES_DIFFER)})
    except (ValueError, OverflowError):  # no date, or the first or last that there is
        return [time[:10] or "undated"]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
