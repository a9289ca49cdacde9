"""The account's durable state: one table of records in SQLite, written in groups."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from batch_emulator.journal.lock import DataDirLock, hold
from batch_emulator.journal.schema import connect
from batch_emulator.service.entities import Json
from batch_emulator.service.step import Change

__all__ = ["Journal", "JournalError"]

_log = logging.getLogger(__name__)
# Rows written by one statement, largest first.
_ROWS_PER_STATEMENT = (64, 8, 1)
# Pages that deleted records left free: more than this, and more than a quarter of the file, are given back,
# so many at a time.
_FREE_PAGES = 1000

_Row = tuple[str, str, bytes | None]


class JournalError(RuntimeError):
    """Changes could not be stored. Nothing after them is stored either; the process has to end."""


@dataclass(frozen=True)
class _Submission:
    rows: list[_Row]
    stored: asyncio.Future[None]


class Journal:
    """Stores changes; resumes who waits for them once they are durable.

    Changes submitted in one turn of the event loop go into one transaction together (group commit), in the
    order in which they came, so that any prefix of them is what a crash leaves. Durable means: survives the
    end of the process. (SQLite in WAL mode with ``synchronous=NORMAL`` keeps the database whole after a
    power cut too, but may lose the last transactions then.)

    It writes in the loop's own thread: a transaction is a few writes to memory that the operating system
    owns, and takes less than the way to another thread and back.

    Make one with :meth:`open`; use it from one event loop.
    """

    def __init__(self, connection: sqlite3.Connection, lock: DataDirLock | None) -> None:
        self._connection = connection
        self._lock = lock
        self._waiting: list[_Submission] = []
        self._broken: JournalError | None = None
        self._closed = False

    @classmethod
    def open(cls, data_dir: Path, account: str, held: DataDirLock | None = None) -> Journal:
        """Open or create the journal of an account.

        :param data_dir: made if absent.
        :param account: name of the Batch account that the folder belongs to.
        :param held: the folder, if the caller holds it already and goes on to; else the journal holds it.
        :raises DataDirError: when the folder cannot be made or written.
        :raises DataDirLockedError: when another emulator uses the folder.
        :raises JournalVersionError: when a version of the emulator wrote it that this one cannot read.
        :raises JournalAccountError: when it belongs to another account.
        :raises JournalDamagedError: when it cannot be read.
        """
        lock = None if held else hold(data_dir)
        try:
            return cls(connect(data_dir / "journal.sqlite", account), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def load(self) -> Iterator[tuple[str, str, Json]]:
        """All records as (kind, key, record). Call it before the first commit."""
        for kind, key, record in self._connection.execute("SELECT kind, key, record FROM records"):
            yield kind, key, orjson.loads(record)

    def submit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        """Queue changes; the future is done when they, and all submitted before, are durable.

        The records are put into their stored form at once: what happens to the entities later is not in it.

        :raises JournalError: when an earlier commit failed or the journal is closed.
        """
        if self._broken is not None:
            raise self._broken
        if self._closed:
            raise JournalError("The journal is closed.")
        rows: list[_Row] = [
            (change.kind, change.key, None if change.record is None else orjson.dumps(change.record))
            for change in changes
        ]
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write_waiting)
        self._waiting.append(_Submission(rows, stored))
        return stored

    async def commit(self, changes: Sequence[Change]) -> None:
        """Store changes and wait until they are durable.

        :raises JournalError: when they could not be stored.
        """
        # A cancelled caller must not take the future away from others.
        await asyncio.shield(self.submit(changes))

    def close(self) -> None:
        """Store what is queued, close the database, give the folder free if the journal holds it."""
        if self._closed:
            return
        self._closed = True
        self._write_waiting()
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def _write_waiting(self) -> None:
        group, self._waiting = self._waiting, []
        if not group:
            return
        try:
            if self._broken is None:
                self._write([row for submission in group for row in submission.rows])
        except Exception as error:  # whatever it was: nothing may be acknowledged from here on
            _log.exception("the journal cannot be written")
            self._broken = JournalError(
                f"The journal could not be written: {error}. "
                "Likely cause: the disk of the data folder is full or read-only. "
                "Make room and start the emulator again with the same --data-dir; "
                "everything it acknowledged is there."
            )
        for submission in group:
            _resume(submission.stored, self._broken)

    def _write(self, rows: list[_Row]) -> None:
        last = {(kind, key): record for kind, key, record in rows}
        if not last:
            return
        kept = [(*name, record) for name, record in last.items() if record is not None]
        gone: dict[str, list[tuple[str]]] = {}
        for (kind, key), record in last.items():
            if record is None:
                gone.setdefault(kind, []).append((key,))
        with self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            for count, part in _parts(kept):
                transaction.execute(_upsert(count), part)
            for kind, keys in gone.items():
                for count, part in _parts(keys):
                    transaction.execute(_delete(count), [kind, *part])
        if gone:
            self._give_back()

    def _give_back(self) -> None:
        ((free,),) = self._connection.execute("PRAGMA freelist_count")
        ((pages,),) = self._connection.execute("PRAGMA page_count")
        if free > _FREE_PAGES and free * 4 > pages:
            # As a script: `execute` stops after the first page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_FREE_PAGES})")


def _parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, list[Any]]]:
    """The rows as flat lists of parameters for statements of so many rows."""
    place = 0
    for count in _ROWS_PER_STATEMENT:
        while len(rows) - place >= count:
            yield count, [value for row in rows[place : place + count] for value in row]
            place += count


@cache
def _upsert(count: int) -> str:
    values = ", ".join(["(?, ?, ?)"] * count)
    return (
        f"INSERT INTO records (kind, key, record) VALUES {values} "  # noqa: S608 - only question marks
        "ON CONFLICT DO UPDATE SET record = excluded.record"
    )


@cache
def _delete(count: int) -> str:
    return f"DELETE FROM records WHERE kind = ? AND key IN ({', '.join('?' * count)})"  # noqa: S608


def _resume(stored: asyncio.Future[None], error: JournalError | None) -> None:
    # The loop is closed when nobody waits for the outcome any more.
    if stored.done() or stored.get_loop().is_closed():
        return
    if error is None:
        stored.set_result(None)
    else:
        stored.set_exception(error)
