"""Judge the warehouse by the source, with nothing of the pipeline's."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from demo.expected import expected_rows, first_difference
from demo.flights import raw_files
from demo.stack import LocalStack

__all__ = ["Reckoning", "ask", "loaded_files", "reckon", "rows_of", "warehouse_of"]

_LOCKED_SECONDS = 60.0


@dataclass(frozen=True)
class Reckoning:
    """What the warehouse has of a day, by an independent query, beside what was sent.

    Parameters:
        sent: rows of all files of the day.
        loaded, quarantined: rows of the tables.
        ledger: rows by the ledger.
        difference: the first row and column of the table that is not as the source has it, joined; or None.
    """

    day: str
    sent: int
    loaded: int
    quarantined: int
    ledger: int
    difference: str | None

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, nothing is there twice, and every value is that of the source."""
        return self.sent == self.loaded + self.quarantined == self.ledger and self.difference is None


def warehouse_of(stack: LocalStack) -> Path:
    """The warehouse's file: the DAGs' default, in the folder that Airflow runs in."""
    return stack.work_dir / "flights.duckdb"


def reckon(stack: LocalStack, day: str, sent: Mapping[str, str | bytes]) -> Reckoning:
    """Ask the warehouse about a day, and compare it with what was sent.

    Parameters:
        sent: content by name of all raw files that were sent, damaged ones as they were sent.
    """
    header = next(iter(raw_files([day]).values())).splitlines()[0]
    ((loaded,),) = ask(stack, "select count(*) from flights where flight_date = $1", day)
    ((quarantined,),) = ask(stack, "select count(*) from quarantine where flight_date = $1", day)
    ledger = ask(stack, "select raw from loads where flight_date = $1", day)
    return Reckoning(
        day=day,
        sent=sum(rows_of(file, header) for name, file in sent.items() if f"/{day}/" in name),
        loaded=loaded,
        quarantined=quarantined,
        ledger=ledger[0][0] if ledger else 0,
        difference=first_difference(partial(ask, stack), day, expected_rows(day, sent)),
    )


def rows_of(file: str | bytes, header: str) -> int:
    """Rows of a raw file: its lines but the blank ones and a header that is right.

    What is no text in UTF-8 has the lines of its encoding, unless there are zeros in it: then it is one.
    """
    data = file.encode() if isinstance(file, str) else file
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in data:
            return 1
        text = data.decode("latin-1")
    lines = [line for line in io.StringIO(text, newline=None) if line.strip()]
    first = [name.strip() for name in lines[0].split(",")] if lines else []
    return len(lines) - (first == header.split(","))


def loaded_files(stack: LocalStack) -> set[str]:
    """Names of the raw files that the days in the warehouse were made from; none before the first load."""
    if not warehouse_of(stack).exists():
        return set()
    if not ask(stack, "select 1 from duckdb_tables() where table_name = 'loads'"):
        return set()
    return {name for (name,) in ask(stack, "select unnest(sources::varchar[][])[1] from loads")}


def ask(stack: LocalStack, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask the warehouse; waits while a load has the file to itself."""
    import duckdb

    deadline = time.monotonic() + _LOCKED_SECONDS
    while True:
        try:
            with duckdb.connect(str(warehouse_of(stack)), read_only=True) as db:
                return db.execute(query, list(values)).fetchall()
        except duckdb.IOException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
