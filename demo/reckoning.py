"""Judge the warehouse by the source, with nothing of the pipeline's."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.flights import raw_files
from demo.stack import LocalStack

__all__ = ["Reckoning", "ask", "loaded_files", "reckon", "rows_of", "warehouse_of"]

_LOCKED_SECONDS = 60.0
_CARRIER = 9  # of the columns of a raw file


@dataclass(frozen=True)
class Reckoning:
    """What the warehouse has of a day, by an independent query, beside what was sent.

    Parameters:
        sent: rows of all files of the day.
        loaded, quarantined: rows of the tables.
        ledger: rows by the ledger.
        carriers_agree: whether the loaded rows are, by carrier, those of the source.
    """

    day: str
    sent: int
    loaded: int
    quarantined: int
    ledger: int
    carriers_agree: bool

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost and nothing is there twice."""
        return self.sent == self.loaded + self.quarantined == self.ledger and self.carriers_agree


def warehouse_of(stack: LocalStack) -> Path:
    """The warehouse's file: the DAGs' default, in the folder that Airflow runs in."""
    return stack.work_dir / "flights.duckdb"


def reckon(stack: LocalStack, day: str, sent: Mapping[str, str | bytes]) -> Reckoning:
    """Ask the warehouse about a day, and count what was sent.

    Parameters:
        sent: content by name of all raw files that were sent, damaged ones as they were sent.
    """
    lines = [text.splitlines() for text in raw_files([day]).values()]
    source = [row for _, *rows in lines for row in rows]
    header = lines[0][0]
    whole = Counter(row.split(",")[_CARRIER] for row in source)
    loaded = dict(ask(stack, "select carrier, count(*) from flights where flight_date = $1 group by 1", day))
    ((quarantined,),) = ask(stack, "select count(*) from quarantine where flight_date = $1", day)
    ledger = ask(stack, "select raw from loads where flight_date = $1", day)
    carriers = Counter(loaded)
    return Reckoning(
        day=day,
        sent=sum(rows_of(file, header) for name, file in sent.items() if f"/{day}/" in name),
        loaded=sum(loaded.values()),
        quarantined=quarantined,
        ledger=ledger[0][0] if ledger else 0,
        carriers_agree=not carriers - whole and sum((whole - carriers).values()) <= quarantined,
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
