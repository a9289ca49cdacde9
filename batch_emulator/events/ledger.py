"""What was seen and what is still to be sent, on disk (SQLite)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from batch_emulator.events.blobs import Seen

__all__ = ["Ledger", "Pending"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscription (key TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS seen (
    subscription TEXT NOT NULL, blob TEXT NOT NULL,
    etag TEXT NOT NULL, content TEXT NOT NULL, properties TEXT NOT NULL,
    PRIMARY KEY (subscription, blob)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    number INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class Pending:
    """A message which the queue has not yet taken.

    Parameters:
        number: its place in the order of events.
        message: text of the queue message.
    """

    number: int
    message: str


class Ledger:
    """Remembers across restarts what each subscription was told.

    What was seen and the messages that follow from it are written in one transaction, before anything is
    sent; a message is forgotten after the queue took it. So nothing is lost, whenever the process dies, and
    a message sent twice is the same to the byte.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # survives the process; a power cut may repeat an event
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def is_known(self, subscription: str) -> bool:
        """Whether the subscription has had a first look at its container."""
        row = self._db.execute("SELECT 1 FROM subscription WHERE key = ?", (subscription,)).fetchone()
        return row is not None

    def seen(self, subscription: str) -> dict[str, Seen]:
        """The blobs of the last look, by name."""
        rows = self._db.execute(
            "SELECT blob, etag, content, properties FROM seen WHERE subscription = ?", (subscription,)
        )
        return {name: Seen(etag, content, properties) for name, etag, content, properties in rows}

    def next_number(self) -> int:
        """The number that the next message will have; numbers are never used again."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pending'").fetchone()
        return (row[0] if row else 0) + 1

    def record(
        self, subscription: str, noticed: Mapping[str, Seen], gone: Iterable[str], messages: Iterable[Pending]
    ) -> None:
        """Write one look: blobs noticed or changed, blobs gone, and the messages that follow."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO subscription VALUES (?)", (subscription,))
            self._db.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)",
                [(subscription, name, s.etag, s.content, s.properties) for name, s in noticed.items()],
            )
            self._db.executemany(
                "DELETE FROM seen WHERE subscription = ? AND blob = ?",
                [(subscription, name) for name in gone],
            )
            self._db.executemany(
                "INSERT INTO pending (number, subscription, message) VALUES (?, ?, ?)",
                [(item.number, subscription, item.message) for item in messages],
            )

    def pending(self, subscription: str, limit: int = 256) -> list[Pending]:
        """Messages to send, oldest first, at most `limit`."""
        rows = self._db.execute(
            "SELECT number, message FROM pending WHERE subscription = ? ORDER BY number LIMIT ?",
            (subscription, limit),
        )
        return [Pending(number, message) for number, message in rows]

    def mark_sent(self, numbers: Iterable[int]) -> None:
        """The queue took these messages."""
        with self._transaction():
            self._db.executemany("DELETE FROM pending WHERE number = ?", [(number,) for number in numbers])

    def _transaction(self) -> sqlite3.Connection:
        # With isolation_level=None the connection commits (or rolls back) only what BEGIN opened.
        self._db.execute("BEGIN IMMEDIATE")
        return self._db
