"""The account's durable state: one table of records in SQLite, written in groups by one thread."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from batch_emulator.journal.lock import DataDirLock
from batch_emulator.journal.schema import connect
from batch_emulator.service.entities import Json
from batch_emulator.service.step import Change

__all__ = ["Journal", "JournalError"]

_log = logging.getLogger(__name__)
# Bounds the memory and the duration of one transaction, not the throughput.
_MAX_GROUP = 2000
# Rows written by one statement, largest first. SQLite lets go of Python's lock for a statement, and taking it
# back from a busy program takes far longer than writing a row.
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

    Changes submitted while a transaction is running go into the next one together (group commit), in the
    order in which they came, so that any prefix of them is what a crash leaves. Durable means: survives the
    end of the process. (SQLite in WAL mode with ``synchronous=NORMAL`` keeps the database whole after a
    power cut too, but may lose the last transactions then.)

    Make one with :meth:`open`; use it from one event loop.
    """

    def __init__(self, connection: sqlite3.Connection, lock: DataDirLock) -> None:
        self._connection = connection
        self._lock = lock
        self._queue: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._broken: JournalError | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @classmethod
    def open(cls, data_dir: Path, account: str) -> Journal:
        """Open or create the journal of an account.

        :param data_dir: made if absent, for this user alone: tasks hold signatures.
        :param account: name of the Batch account that the folder belongs to.
        :raises DataDirLockedError: when another emulator uses the folder.
        :raises JournalVersionError: when a version of the emulator wrote it that this one cannot read.
        :raises JournalAccountError: when it belongs to another account.
        :raises JournalDamagedError: when it cannot be read.
        """
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = DataDirLock(data_dir)
        try:
            return cls(connect(data_dir / "journal.sqlite", account), lock)
        except BaseException:
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
        self._start_writer()
        self._queue.put(_Submission(rows, stored))
        return stored

    async def commit(self, changes: Sequence[Change]) -> None:
        """Store changes and wait until they are durable.

        :raises JournalError: when they could not be stored.
        """
        # A cancelled caller must not take the future away from the writer.
        await asyncio.shield(self.submit(changes))

    def close(self) -> None:
        """Store what is queued, close the database, give the folder free."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._connection.close()
        self._lock.release()

    def _start_writer(self) -> None:
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(
                target=self._write_all, args=(loop,), name="journal-writer", daemon=True
            )
            self._thread.start()

    def _write_all(self, loop: asyncio.AbstractEventLoop) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            if not group:
                continue
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
            # The loop is closed when nobody waits for the outcome any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_resume, group, self._broken)

    def _next_group(self) -> tuple[list[_Submission], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        group = [first]
        size = len(first.rows)
        while size < _MAX_GROUP:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, False
            group.append(following)
            size += len(following.rows)
        return group, True

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


def _resume(group: list[_Submission], error: JournalError | None) -> None:
    for submission in group:
        if submission.stored.done():
            continue
        if error is None:
            submission.stored.set_result(None)
        else:
            submission.stored.set_exception(error)
