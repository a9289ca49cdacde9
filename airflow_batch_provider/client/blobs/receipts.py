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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow_batch_provider.client.blobs.blob_events import BlobEvent, latest_of_each

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_OWNER = "owner"

#: So much may the times differ that are told of one version: from the beginning of a write to its event.
_APART = timedelta(hours=1)


@dataclass(frozen=True)
class Claims:
    """What one look brought.

    :param mine: blob versions that this run holds, taken now or by an earlier try of it.
    :param others: how many of the announced ones other runs hold.
    :param left: how many nobody holds, because of the limit.
    """

    mine: list[BlobEvent]
    others: int
    left: int = 0


class Receipts:
    """The receipts of one consumer in one container.

    :param container: client of the container that holds the receipts; it must exist.
    :param consumer: who works on the blobs, such as ``dag_id/task_id``.
    :param owner: the run that claims, such as the DAG run's id.
    """

    def __init__(self, container: ContainerClient, consumer: str, owner: str) -> None:
        self._container = container
        self._consumer = consumer
        self._owner = owner
        # Metadata holds ASCII only, and run ids may hold anything.
        self._mark = _digest(owner)

    def claim(self, events: Iterable[BlobEvent], limit: int | None = None) -> Claims:
        """Take what nobody has taken.

        :param events: announcements in any order, repeated ones allowed. Of each blob only the last is
            taken: what was overwritten or deleted since cannot be worked on.
        :param limit: most versions to hold; the rest stays for another run.
        """
        held = self._noted()
        announced = {event.version: event for event in (*held, *latest_of_each(events))}
        receipts = {version: self._names(event) for version, event in announced.items()}
        owners = self._owners(name for names in receipts.values() for name in names)
        mine: list[BlobEvent] = []
        left = 0
        for version, event in announced.items():
            names = receipts[version]
            if limit is not None and len(mine) >= limit:
                left += not any(name in owners for name in names)
            elif self._hold(names, owners, event):
                mine.append(event)
        if mine != held:
            self._note(mine)
        return Claims(mine, len(announced) - len(mine) - left, left)

    def _names(self, event: BlobEvent) -> list[str]:
        return [f"{self._consumer}/{day}/{_digest(event.version)}.json" for day in _days(event.time)]

    def _hold(self, names: list[str], owners: Mapping[str, str], event: BlobEvent) -> bool:
        there = [number for number, name in enumerate(names, 1) if name in owners]
        last = there[-1] if there else 0
        if last and owners[names[last - 1]] != self._mark:
            return False
        return all(self._take(name, event) for name in names[last:])

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
        return sorted({(moment + apart).date().isoformat() for apart in (-_APART, _APART)})
    except (ValueError, OverflowError):  # no date, or the first or last that there is
        return [time[:10] or "undated"]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
