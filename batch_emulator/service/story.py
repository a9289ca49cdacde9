"""What happened lately, and why: the recent transitions of every entity."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from batch_emulator.service.entities import Entity, key_of

_KEPT = 5_000


@dataclass(frozen=True)
class Passage:
    """One transition of one entity."""

    at: datetime
    kind: str
    key: str
    start: str | None
    finish: str
    cause: str

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.kind} {self.key}: {self.start} -> {self.finish} ({self.cause})"


class Story:
    """A bounded log. It is not durable: it explains the present life of the service.

    It keeps the entities themselves: what they are called is only asked when somebody reads.
    """

    def __init__(self) -> None:
        self._passages: deque[tuple[datetime, str, Entity, str | None, str, str]] = deque(maxlen=_KEPT)

    def add(
        self, at: datetime, kind: str, entity: Entity, start: str | None, finish: str, cause: str
    ) -> None:
        """Note a transition.

        :param kind: of what went on: the entity's own, or ``allocation``.
        """
        self._passages.append((at, kind, entity, start, finish, cause))

    def of(self, kind: str, key: str) -> list[Passage]:
        """Everything still known of an entity, oldest first."""
        wanted = key.lower()
        return [
            Passage(at, kind, wanted, start, finish, cause)
            for at, of_kind, entity, start, finish, cause in self._passages
            if of_kind == kind and key_of(entity) == wanted
        ]
