"""Receipts: small blobs that say which run took which blob version, so that each is taken once.

A receipt is created with *If-None-Match*, which storage decides atomically: of any number of runs that see
the same announcement one gets it. A run that died and comes back finds its own receipts and goes on.
The idea is that of Azure Functions' blob receipts (*Blob trigger*).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_batch_provider.client.blobs.blob_events import BlobEvent, latest_of_each

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_OWNER = "owner"


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
        by_receipt = {self._name(event): event for event in announced.values()}
        owners = self._owners(by_receipt)
        mine: list[BlobEvent] = []
        left = 0
        for name, event in by_receipt.items():
            if limit is not None and len(mine) >= limit:
                left += name not in owners
            elif owners[name] == self._mark if name in owners else self._take(name, event):
                mine.append(event)
        if mine != held:
            self._note(mine)
        return Claims(mine, len(by_receipt) - len(mine) - left, left)

    def _name(self, event: BlobEvent) -> str:
        """Receipts lie by day, so that a look lists only the days it asks about."""
        return f"{self._consumer}/{event.time[:10] or 'undated'}/{_digest(event.version)}.json"

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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
