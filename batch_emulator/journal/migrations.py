"""Journals of earlier versions, brought to the present one when they are opened.

Each function takes a journal from the version it is listed under to the next, inside a transaction of the
caller's: a kill on the way leaves the earlier version as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import orjson

__all__ = ["MIGRATIONS"]

_ROWS_AT_A_TIME = 500


def _from_1(connection: sqlite3.Connection) -> None:
    """Version 1 marked times and failures; since version 2 the entity's own types tell."""
    connection.execute("ALTER TABLE records RENAME TO records_1")
    connection.execute(
        "CREATE TABLE records "
        "(kind TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (kind, key))"
    )
    last = ("", "")
    while rows := connection.execute(
        "SELECT kind, key, record FROM records_1 WHERE (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?",
        (*last, _ROWS_AT_A_TIME),
    ).fetchall():
        connection.executemany(
            "INSERT INTO records (kind, key, record) VALUES (?, ?, ?)",
            [(kind, key, orjson.dumps(_without_marks(orjson.loads(record)))) for kind, key, record in rows],
        )
        last = rows[-1][:2]
    connection.execute("DROP TABLE records_1")


def _without_marks(record: dict[str, Any]) -> dict[str, Any]:
    return {name: _without_mark(value) for name, value in record.items()}


def _without_mark(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"$t"}:
        return value["$t"]
    if isinstance(value, dict) and value.keys() == {"$f"}:
        return dict(zip(("code", "message", "category", "details"), value["$f"], strict=True))
    return value


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _from_1}
