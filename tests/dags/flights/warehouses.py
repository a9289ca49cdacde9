"""Days to load, and ways to look into a warehouse that are not the warehouse's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
from flights.files import RawFile
from flights.postgres import PostgresWarehouse
from flights.warehouse import Day, Warehouse

__all__ = ["DuckTables", "Lake", "PostgresTables", "Tables", "counts", "files"]


def files(folder: Path, good: int, bad: int, day: str = "2013-01-01") -> Day:
    """A day with so many good and bad rows, of one file."""
    folder.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute(
        f"create table g as select date '{day}' as flight_date, i as flight, 'EWR' as origin "
        f"from range({good}) r(i)"
    )
    db.execute(
        f"create table q as select 'flights/{day}/EWR.csv' as file, i as line, ['bad'] as reasons, "
        f"i::varchar as row from range({bad}) r(i)"
    )
    for table, name in (("g", "flights"), ("q", "quarantine")):
        db.execute(f"copy {table} to '{folder / name}.parquet' (format parquet)")
    written = "2013-01-02T00:00:00+00:00"
    source = RawFile(f"flights/{day}/EWR.csv", "0x1", written, "2013-01-04T00:00:00+00:00")
    paths = (folder / "flights.parquet", folder / "quarantine.parquet")
    return Day(day, *paths, raw=good + bad, good=good, quarantined=bad, sources=[source])


class Tables(Protocol):
    """A warehouse, and a way to look into it that is not the warehouse's."""

    warehouse: Warehouse | PostgresWarehouse

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""

    def tell(self, statement: str) -> None:
        """Change something."""


@dataclass(frozen=True)
class DuckTables:
    path: Path

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.path)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path)) as db:
            return db.execute(query).fetchall()

    def tell(self, statement: str) -> None:
        with duckdb.connect(str(self.path)) as db:
            db.execute(statement)


@dataclass(frozen=True)
class PostgresTables:
    uri: str

    @property
    def warehouse(self) -> PostgresWarehouse:
        return PostgresWarehouse("flights_warehouse")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.uri, autocommit=True) as db:
            return db.execute(query).fetchall()

    def tell(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as db:
            db.execute(statement)


def counts(tables: Tables) -> list[tuple[int, ...]]:
    return tables.ask(
        "select (select count(*) from flights), (select count(*) from quarantine), "
        "(select count(*) from loads)"
    )


class Lake:
    """Counts what is published in it."""

    def __init__(self) -> None:
        self.published = 0

    def publish(self) -> None:
        self.published += 1
