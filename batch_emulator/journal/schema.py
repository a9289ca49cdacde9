"""The journal's tables, and whose they are."""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["SCHEMA_VERSION", "JournalAccountError", "JournalVersionError", "connect"]

SCHEMA_VERSION = 1

_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, "
    "PRIMARY KEY (kind, key)) WITHOUT ROWID",
)


class JournalVersionError(RuntimeError):
    """The journal was written by another version of the emulator."""


class JournalAccountError(RuntimeError):
    """The journal belongs to another Batch account."""


def connect(path: Path, account: str) -> sqlite3.Connection:
    """A connection to the journal in a file, which is made if absent.

    :param account: name of the Batch account; written into a new journal, compared with an old one.
    :raises JournalVersionError: its tables have another version.
    :raises JournalAccountError: it has another account's state.
    """
    # One thread at a time uses it: the loader at the start, the writer afterwards.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        if _is_new(connection):
            _create(connection, account)
        _check(connection, path, account)
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
    found = int(meta["schema_version"])
    if found != SCHEMA_VERSION:
        age = "a newer" if found > SCHEMA_VERSION else "an older"
        raise JournalVersionError(
            f"The journal {path} has version {found}; this emulator reads version {SCHEMA_VERSION}. "
            f"It was written by {age} version of the emulator. "
            "Use that version, or give another folder with --data-dir."
        )
    if meta["account"] != account:
        raise JournalAccountError(
            f"The journal {path} holds the Batch account '{meta['account']}', not '{account}'. "
            "A data folder belongs to the account that it was made with. "
            f"Start with --account {meta['account']}, or give another folder with --data-dir."
        )
