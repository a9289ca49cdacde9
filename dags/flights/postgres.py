"""The warehouse in PostgreSQL, by an Airflow connection: the same tables, and the same one transaction a day.

It needs `apache-airflow-providers-postgres`, with psycopg 2 or 3.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flights.warehouse import (
    DAYS_OF,
    GOOD_ROWS,
    Change,
    Day,
    Load,
    NeverLoadedError,
    check_counts,
    check_files,
)

__all__ = ["PostgresWarehouse"]

log = logging.getLogger(__name__)

#: One load at a time, as with a DuckDB file: what is published last is what is loaded last.
_LOCK = "select pg_advisory_xact_lock(hashtext('flights warehouse'))"
_TRY_LOCK = "select pg_try_advisory_xact_lock(hashtext('flights warehouse'))"
#: Its number as `pg_locks` has it: a 64-bit key in two halves.
_HOLDERS = """
select coalesce(string_agg(pid::text, ', '), 'of one that has just ended') from pg_locks
where locktype = 'advisory' and granted
  and database = (select oid from pg_database where datname = current_database())
  and (classid::bigint << 32) + objid::bigint = hashtext('flights warehouse')
"""

_TABLES = """
create table if not exists quarantine (
  flight_date date, file text, line integer, reasons text[], "row" text);
create table if not exists loads (
  flight_date date primary key, raw integer, good integer, quarantined integer,
  newest timestamptz, sources jsonb, job_id text, dag_id text, run_id text, listed timestamptz,
  loaded_at timestamptz default now()
);
"""

#: Columns that a ledger of an earlier version has not. What alters a table, even if there is nothing to
#: alter, waits for all who read it, and lets them wait.
_LATER_COLUMNS = {"listed": "timestamptz", "dag_id": "text"}
_COLUMNS = "select attname from pg_attribute where attrelid = 'loads'::regclass and not attisdropped"

#: See `flights.warehouse`.
_LATER = """
select 1 from loads where flight_date = %s
  and listed is not null
  and (listed, coalesce(newest, '-infinity'), jsonb_array_length(sources))
    > (coalesce(%s::timestamptz, '-infinity'), coalesce(%s::timestamptz, '-infinity'), %s)
"""

#: The types that a Parquet file of flights has, by DuckDB's name and by PostgreSQL's.
_TYPES = {
    "BIGINT": "bigint",
    "DATE": "date",
    "DOUBLE": "double precision",
    "INTEGER": "integer",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "VARCHAR": "text",
}


class PostgresWarehouse:
    """A warehouse in the database, and the schema, that a connection names.

    Args:
        conn_id: of an Airflow connection of the type `postgres`.
    """

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id

    def load(self, day: Day, publish: Callable[[], None], *, job_id: str, dag_id: str, run_id: str) -> Load:
        """Replace a day, as `Warehouse.load` does.

        Raises:
            QualityError, NeverLoadedError: as there; the warehouse is as it was.
        """
        with self._transaction() as cursor:
            _make_tables(cursor)
            if not day.flights:
                self._check_loaded(cursor)
            change = _replace(cursor, day, job_id, dag_id, run_id)
            if change:
                publish()
        return Load.of(day, change)

    def days_of(self, dag_id: str, run_id: str) -> list[str]:
        """The days, ISO 8601, that are there as this run has loaded them."""
        with self._transaction() as cursor:
            _make_tables(cursor)
            cursor.execute(DAYS_OF.format("%s"), (dag_id, run_id))
            return [day for (day,) in cursor.fetchall()]

    def _check_loaded(self, cursor: Any) -> None:
        cursor.execute("select to_regclass('flights') is not null, current_database(), current_schema()")
        is_there, database, schema = cursor.fetchone()
        if not is_there:
            raise NeverLoadedError(
                f"the PostgreSQL database {database}, schema {schema}, of the connection {self._conn_id}"
            )

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        db: Any = PostgresHook(self._conn_id).get_conn()
        try:
            with db.cursor() as cursor:
                cursor.execute("set local time zone 'UTC'")
                _lock(cursor)
                yield cursor
            db.commit()
        except BaseException:
            db.rollback()
            raise
        finally:
            db.close()


def _lock(cursor: Any) -> None:
    cursor.execute(_TRY_LOCK)
    if cursor.fetchone()[0]:
        return
    cursor.execute(_HOLDERS)
    log.warning(
        "The load waits for another one, of the PostgreSQL process %s. If that hangs, "
        "pg_terminate_backend() of it lets this one go on; its day stays as it was.",
        cursor.fetchone()[0],
    )
    cursor.execute(_LOCK)


def _make_tables(cursor: Any) -> None:
    cursor.execute(_TABLES)
    cursor.execute(_COLUMNS)
    there = {name for (name,) in cursor.fetchall()}
    for name, kind in _LATER_COLUMNS.items():
        if name not in there:
            cursor.execute(f"alter table loads add column {name} {kind}")


def _replace(cursor: Any, day: Day, job_id: str, dag_id: str, run_id: str) -> Change | None:
    if day.flights:
        declared = ", ".join(f'"{name}" {kind}' for name, kind in _columns(day.flights).items())
        cursor.execute(f"create table if not exists flights ({declared})")
        cursor.execute("create index if not exists flights_of_a_day on flights (flight_date)")
    cursor.execute(_LATER, (day.day, day.listed, day.newest, len(day.sources)))
    if cursor.fetchone():
        return None
    before = _good_rows(cursor, day)
    check_files(day, before)
    cursor.execute("delete from flights where flight_date = %s", (day.day,))
    cursor.execute("delete from quarantine where flight_date = %s", (day.day,))
    cursor.execute("delete from loads where flight_date = %s", (day.day,))
    if day.flights:
        _copy_flights(cursor, day.flights)
    cursor.executemany(
        'insert into quarantine (flight_date, file, line, reasons, "row") values (%s, %s, %s, %s, %s)',
        [(day.day, *row) for row in _set_aside(day.quarantine)] if day.quarantine else [],
    )
    sources = json.dumps([[source.name, source.etag] for source in day.sources])
    cursor.execute(
        "insert into loads (flight_date, raw, good, quarantined, listed, newest, sources, job_id, dag_id, "
        "run_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(day.day, day.raw, day.good, day.quarantined, day.listed, day.newest),
            *(sources, job_id, dag_id, run_id),
        ),
    )
    cursor.execute(
        "select (select count(*) from flights where flight_date = %s), "
        "(select count(*) from quarantine where flight_date = %s)",
        (day.day, day.day),
    )
    check_counts(day, *cursor.fetchone())
    return Change(before, _good_rows(cursor, day))


def _good_rows(cursor: Any, day: Day) -> dict[str, int]:
    cursor.execute(GOOD_ROWS.format("%s"), (day.day,))
    return dict(cursor.fetchall())


def _copy_flights(cursor: Any, flights: Path) -> None:
    """By `COPY`, as text that both databases read alike: an empty field is null, a quoted one is not."""
    import duckdb

    names = ", ".join(f'"{name}"' for name in _columns(flights))
    statement = f"copy flights ({names}) from stdin (format csv, encoding 'utf8')"
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "flights.csv"
        with duckdb.connect() as db:
            db.execute("set timezone = 'UTC'")
            db.read_parquet(str(flights)).write_csv(str(text), header=False)
        with text.open("rb") as rows:
            if hasattr(cursor, "copy_expert"):  # psycopg 2
                cursor.copy_expert(statement, rows)
            else:
                with cursor.copy(statement) as copy:
                    shutil.copyfileobj(rows, copy)


def _columns(flights: Path) -> dict[str, str]:
    """The columns of a Parquet file and their types in PostgreSQL."""
    import duckdb

    with duckdb.connect() as db:
        found = db.read_parquet(str(flights))
        kinds = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
    for name, kind in kinds.items():
        if kind not in _TYPES:
            raise TypeError(
                f"Column {name} is a {kind}: tell in flights/postgres.py what PostgreSQL calls it."
            )
    return {name: _TYPES[kind] for name, kind in kinds.items()}


def _set_aside(quarantine: Path) -> list[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect() as db:
        return db.execute(
            "select file, line, reasons, row from read_parquet($1)", [str(quarantine)]
        ).fetchall()
