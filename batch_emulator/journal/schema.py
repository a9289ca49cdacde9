"""The journal's tables, and whose they are."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from batch_emulator.journal.migrations import MIGRATIONS

__all__ = ["SCHEMA_VERSION", "JournalAccountError", "JournalDamagedError", "JournalVersionError", "connect"]

_log = logging.getLogger(__name__)
SCHEMA_VERSION = 2
# Of the log beside the database: it is copied into the database when it has grown to this, and cut to it.
_LOG_PAGES = 4000
LOG_BYTES = 1 << 24

_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # In the order in which they came, so that tasks which run together lie together.
    "CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (kind, key))",
)


class JournalVersionError(RuntimeError):
    """The journal was written by another version of the emulator, and cannot be read by this one."""


class JournalAccountError(RuntimeError):
    """The journal belongs to another Batch account."""


class JournalDamagedError(RuntimeError):
    """The file is not a journal, or was damaged by something other than the end of a process."""


def connect(path: Path, account: str) -> sqlite3.Connection:
    """A connection to the journal in a file: made if absent, migrated if it is of an earlier version.

    :param account: name of the Batch account; written into a new journal, compared with an old one.
    :raises JournalVersionError: its tables have a version that this emulator does not know.
    :raises JournalAccountError: it has another account's state.
    :raises JournalDamagedError: it cannot be read.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Before the first table: deleted records give their room back to the file system.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        if _is_new(connection):
            _create(connection, account)
        _check(connection, path, account)
        _shrink_from_now_on(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise JournalDamagedError(
            f"The journal {path} cannot be read: {error}. "
            "Something other than the emulator wrote to it, or the disk is failing: the end of a process, "
            "however sudden, leaves it whole. Restore the folder from a copy, or give another one with "
            "--data-dir."
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None


def _create(connection: sqlite3.Connection, account: str) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("schema_version", str(SCHEMA_VERSION)), ("account", account)]
        )


def _check(connection: sqlite3.Connection, path: Path, account: str) -> None:
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    if meta["account"] != account:
        raise JournalAccountError(
            f"The journal {path} holds the Batch account '{meta['account']}', not '{account}'. "
            "A data folder belongs to the account that it was made with. "
            f"Start with --account {meta['account']}, or give another folder with --data-dir."
        )
    found = int(meta["schema_version"])
    while found in MIGRATIONS:
        _migrate(connection, found)
        found += 1
        _log.warning("the journal %s was brought to version %d", path, found)
    if found != SCHEMA_VERSION:
        age = "a newer" if found > SCHEMA_VERSION else "an older"
        raise JournalVersionError(
            f"The journal {path} has version {found}; this emulator reads version {SCHEMA_VERSION}. "
            f"It was written by {age} version of the emulator. "
            "Use that version, or give another folder with --data-dir."
        )


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        MIGRATIONS[found](connection)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(found + 1),))


def _shrink_from_now_on(connection: sqlite3.Connection) -> None:
    # A file that was made without auto-vacuum gets it when it is written anew.
    if connection.execute("PRAGMA auto_vacuum").fetchone() != (2,):
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("VACUUM")
