"""What happened lately, and why: the recent transitions of every entity."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

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
    """A bounded log. It is not durable: it explains the present life of the service."""

    def __init__(self) -> None:
        self._passages: deque[tuple[datetime, str, str, str | None, str, str]] = deque(maxlen=_KEPT)

    def add(self, at: datetime, kind: str, key: str, start: str | None, finish: str, cause: str) -> None:
        self._passages.append((at, kind, key, start, finish, cause))

    def of(self, kind: str, key: str) -> list[Passage]:
        """Everything still known of an entity, oldest first."""
        return [Passage(*row) for row in self._passages if row[1] == kind and row[2] == key.lower()]
