"""The warehouse: a DuckDB file with the tables `flights`, `quarantine` and `loads`; see also `postgres`.

A day is replaced in one transaction, with its entry in the ledger `loads`: whoever reads sees the day as it
was or as it is, and running a load again, or dying in it, changes nothing. A day is left as it is when it was
loaded from a later listing of its files: who listed later knows more, of files that are gone too.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flights.files import RawFile
from flights.schema import MOST_UNKNOWN

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "DAYS_OF",
    "GOOD_ROWS",
    "Change",
    "Day",
    "Load",
    "NeverLoadedError",
    "QualityError",
    "Warehouse",
    "check_counts",
    "check_files",
]

log = logging.getLogger(__name__)

#: A DuckDB file has one writer at a time; another run's load is waited for.
_LOCK_SECONDS = 120.0
_LOCK_PAUSE = 0.2
#: So few rows tell nothing of a table.
_FEW_ROWS = 20
#: How DuckDB begins to say so, before the path: its exception is that of any file that cannot be opened.
_LOCKED = "IO Error: Could not set lock on file"

_TABLES = """
create table if not exists quarantine (
  flight_date date, file varchar, line integer, reasons varchar[], "row" varchar);
create table if not exists loads (
  flight_date date primary key, raw integer, good integer, quarantined integer,
  newest timestamptz, sources json, job_id varchar, dag_id varchar, run_id varchar, listed timestamptz,
  loaded_at timestamptz default now()
);
alter table loads add column if not exists listed timestamptz;
alter table loads add column if not exists dag_id varchar;
"""

#: Both times have whole seconds. Of two listings of one second the one with the newer file was later, or the
#: one with more files: it is rare that a file goes. Where all is equal both may load. `listed` is null where
#: the plan did not keep it, and `newest` of a day without files.
_LATER = """
select 1 from loads where flight_date = $1
  and listed is not null
  and (listed, coalesce(newest, '-infinity'), json_array_length(sources))
    > (coalesce($2::timestamptz, '-infinity'), coalesce($3::timestamptz, '-infinity'), $4)
"""

# The following are for both databases, to be formatted with the database's sign for a value.

#: The ledger has of each day who loaded it last: a run of a DAG, since runs of two may have one id. What a
#: version loaded that did not keep the DAG is any's.
DAYS_OF = """
select cast(flight_date as varchar) from loads
where (dag_id = {0} or dag_id is null) and run_id = {0} order by flight_date
"""

#: Good rows of a day by airport, which are those of a raw file each.
GOOD_ROWS = "select origin, count(*) from flights where flight_date = {} group by origin"


class QualityError(RuntimeError):
    """A day is not loaded, because of what its files hold, or as the table would hold something else."""


class NeverLoadedError(RuntimeError):
    """A day cannot be emptied, as nothing was ever loaded there.

    Args:
        where: the warehouse.
    """

    def __init__(self, where: str) -> None:
        super().__init__(f"There is no table flights in {where}: nothing was ever loaded there.")


@dataclass(frozen=True)
class Day:
    """One day to load.

    Args:
        day: ISO 8601.
        flights, quarantine: Parquet files; None for a day that is emptied.
        raw, good, quarantined: rows, as the nodes counted them.
        sources: the raw files that the rows came from.
        emptied: when a listing showed that there are none.
        blank: those of the sources that hold nothing, not even a header.
        without_good: those that hold no good row, and what they hold.
        changed: names of sources, and of tables that they are joined with, that are there in another version
            than was listed, or are gone.
        unknown: by table to join with, good rows that it does not know.
    """

    day: str
    flights: Path | None
    quarantine: Path | None
    raw: int
    good: int
    quarantined: int
    sources: Sequence[RawFile]
    emptied: str | None = None
    blank: Sequence[RawFile] = ()
    without_good: Mapping[RawFile, str] = field(default_factory=dict)
    changed: Sequence[str] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def without_files(cls, day: str, listed: str) -> Day:
        """A day of which a listing shows no file: what is there of it goes."""
        return cls(day, None, None, raw=0, good=0, quarantined=0, sources=(), emptied=listed)

    @property
    def newest(self) -> str | None:
        """When the newest of its files was written; None without files."""
        return max((source.written for source in self.sources), default=None)

    @property
    def listed(self) -> str | None:
        """When its files were listed; None if that is not known."""
        known = [source.listed for source in self.sources if source.listed]
        return min(known, default=self.emptied) if len(known) == len(self.sources) else None


@dataclass(frozen=True)
class Change:
    """A day that was replaced.

    Args:
        before, after: its good rows by airport.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]

    @property
    def fewer(self) -> dict[str, dict[str, int]]:
        """Airports of which there are fewer rows now: how many there were, and are."""
        return {
            origin: {"before": count, "now": now}
            for origin, count in sorted(self.before.items())
            if (now := self.after.get(origin, 0)) < count
        }


@dataclass(frozen=True)
class Load:
    """What became of a day.

    Args:
        loaded: False when the warehouse has the day from a later listing already.
        without_good: names of its files that hold no good row, and what they hold.
        fewer: airports of which it has fewer good rows now: how many it had, and has.
    """

    day: str
    raw: int
    good: int
    quarantined: int
    loaded: bool
    without_good: Mapping[str, str] = field(default_factory=dict)
    fewer: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, day: Day, change: Change | None) -> Load:
        """What became of this day; without a change it is left as it was."""
        without_good = {source.name: why for source, why in day.without_good.items()}
        fewer = change.fewer if change else {}
        return cls(day.day, day.raw, day.good, day.quarantined, change is not None, without_good, fewer)


def check_counts(day: Day, loaded: int, set_aside: int) -> None:
    """Compare what the tables hold of a day, counted apart from what the nodes said, with its files.

    Raises:
        QualityError: they differ.
    """
    if loaded + set_aside != day.raw or loaded != day.good:
        raise QualityError(
            f"Day {day.day}: {day.raw} raw rows, but {loaded} would be loaded and {set_aside} set aside. "
            "The day is left as it was."
        )


def check_files(day: Day, held: Mapping[str, int]) -> None:
    """Take nothing for another version of it than it is, no bad upload for a withdrawal, and no half a table.

    A whole upload has its header at least. A file without a good row takes none away: it is half an upload,
    or what was uploaded by mistake.

    Args:
        day: the day that is to be loaded.
        held: good rows by airport that the warehouse has of it.

    Raises:
        QualityError: a file or a table has changed since it was listed; a table does not know what a great
            share of the rows name; a file is empty, or holds no good row where the warehouse has some.
    """
    if day.changed:
        raise QualityError(
            f"Day {day.day}: {', '.join(day.changed)} was uploaded again, or deleted, after it was listed: "
            "nobody knows which version the nodes have read. The day is left as it was. Clear plan with what "
            "comes after it, or run flights_etl with this day."
        )
    for table, unknown in day.unknown.items():
        if unknown > max(_FEW_ROWS, MOST_UNKNOWN[table] * day.good):
            raise QualityError(
                f"Day {day.day}: raw/reference/{table}.csv does not know what {unknown} of {day.good} rows "
                f"name, and at most {MOST_UNKNOWN[table]:.0%} are to be expected: it may be cut short. The "
                "day is left as it was. Upload the whole table, and clear plan with what comes after it."
            )
    if day.blank:
        names = ", ".join(file.name for file in day.blank)
        raise QualityError(
            f"Day {day.day}: there is nothing in {names}, not even a header, as of an upload that was cut "
            "short. The day is left as it was. Upload the file again, or delete it."
        )
    for file, what in day.without_good.items():
        if rows := held.get(str(file.origin)):
            raise QualityError(
                f"Day {day.day}: {file.name} holds {what}; but the warehouse has {rows} good rows of it. The "
                "day is left as it was. Upload the right file, or delete it if its rows shall go."
            )


class Warehouse:
    """A warehouse in one file, made when it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, day: Day, publish: Callable[[], None], *, job_id: str, dag_id: str, run_id: str) -> Load:
        """Replace a day.

        Args:
            day: what is loaded.
            publish: called when all has been checked and before it is committed, while no other load can run:
                so that what is published last is what is loaded last. Whoever dies in it loads again.
            job_id, dag_id, run_id: go into the ledger.

        Raises:
            QualityError: counts do not agree, or good rows would go for a file without any; the warehouse is
                as it was.
            NeverLoadedError: a day is to be emptied where there is no table.
        """
        if not day.flights and not self._path.exists():  # it would be made
            raise NeverLoadedError(self._name)
        with self._open() as db:
            db.execute("begin")
            try:
                change = self._replace(db, day, job_id, dag_id, run_id)
                if change:
                    publish()
                db.execute("commit")
            except BaseException:
                db.execute("rollback")
                raise
        return Load.of(day, change)

    def days_of(self, dag_id: str, run_id: str) -> list[str]:
        """The days, ISO 8601, that are there as this run has loaded them."""
        with self._open() as db:
            db.execute(_TABLES)
            return [day for (day,) in db.execute(DAYS_OF.format("?"), [dag_id, run_id]).fetchall()]

    @property
    def _name(self) -> str:
        return f"the DuckDB file {self._path.absolute()}"

    def _replace(
        self, db: duckdb.DuckDBPyConnection, day: Day, job_id: str, dag_id: str, run_id: str
    ) -> Change | None:
        db.execute(_TABLES)
        if day.flights:
            make = "create table if not exists flights as from read_parquet($1) limit 0"
            db.execute(make, [str(day.flights)])
        elif not db.execute("select 1 from duckdb_tables() where table_name = 'flights'").fetchone():
            raise NeverLoadedError(self._name)
        if db.execute(_LATER, [day.day, day.listed, day.newest, len(day.sources)]).fetchone():
            return None
        before = dict(db.execute(GOOD_ROWS.format("?"), [day.day]).fetchall())
        check_files(day, before)
        db.execute("delete from flights where flight_date = $1", [day.day])
        db.execute("delete from quarantine where flight_date = $1", [day.day])
        db.execute("delete from loads where flight_date = $1", [day.day])
        if day.flights:
            db.execute("insert into flights by name from read_parquet($1)", [str(day.flights)])
            db.execute(
                "insert into quarantine select $1, file, line, reasons, row from read_parquet($2)",
                [day.day, str(day.quarantine)],
            )
        sources = json.dumps([[source.name, source.etag] for source in day.sources])
        db.execute(
            "insert into loads (flight_date, raw, good, quarantined, listed, newest, sources, job_id, "
            "dag_id, run_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            [
                *(day.day, day.raw, day.good, day.quarantined, day.listed, day.newest),
                *(sources, job_id, dag_id, run_id),
            ],
        )
        self._check(db, day)
        return Change(before, dict(db.execute(GOOD_ROWS.format("?"), [day.day]).fetchall()))

    @staticmethod
    def _check(db: duckdb.DuckDBPyConnection, day: Day) -> None:
        counted = db.execute(
            "select (select count(*) from flights where flight_date = $1), "
            "(select count(*) from quarantine where flight_date = $1)",
            [day.day],
        ).fetchone()
        check_counts(day, *(counted or (0, 0)))

    @contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline: float | None = None
        while True:
            try:
                db = duckdb.connect(str(self._path))
                break
            except duckdb.IOException as busy:
                if not str(busy).startswith(_LOCKED) or (
                    deadline is not None and time.monotonic() > deadline
                ):
                    raise
                if deadline is None:
                    deadline = time.monotonic() + _LOCK_SECONDS
                    log.warning(
                        "The load waits up to %d s until nobody has the warehouse open, not even to read: "
                        "end the process named here, or its connection. %s",
                        _LOCK_SECONDS,
                        busy,
                    )
                time.sleep(_LOCK_PAUSE)
        try:
            db.execute("set timezone = 'UTC'")
            yield db
        finally:
            db.close()
