"""The declared schema of a raw flights file: what a row must be, and which rows are set aside."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLUMNS", "KEY", "MOST_UNKNOWN", "REFERENCE_COLUMNS", "WRITTEN", "ZONE", "Column"]

#: Days and clock times are those of the airports, which all lie in this time zone; `time_hour` names its own.
ZONE = "America/New_York"
#: How values are written, as regular expressions by type: a conversion alone would make 518 of 517.6.
WRITTEN = {
    "INTEGER": r"-?\d+",
    "TIMESTAMPTZ": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d(:?\d\d)?)",
}


@dataclass(frozen=True)
class Column:
    """A column of a raw file.

    Args:
        name: in the file's header.
        type: SQL type that its text must convert to.
        required: whether it must have a value.
        least, most: bounds of the value, both included; None: none.
        is_clock: whether it is hours and minutes in one number: 517 is 5:17.
        code: how a text is written, as a regular expression: nothing else than the code, no quotes either.
    """

    name: str
    type: str = "INTEGER"
    required: bool = False
    least: int | None = None
    most: int | None = None
    is_clock: bool = False
    code: str | None = None


def _clock(name: str, *, required: bool = False) -> Column:
    return Column(name, required=required, least=0, most=2400, is_clock=True)


#: Departure and arrival are empty for flights that were cancelled; those are good rows.
COLUMNS = (
    Column("year", required=True, least=2000, most=2100),
    Column("month", required=True, least=1, most=12),
    Column("day", required=True, least=1, most=31),
    _clock("dep_time"),
    _clock("sched_dep_time", required=True),
    Column("dep_delay", least=-120, most=3000),
    _clock("arr_time"),
    _clock("sched_arr_time", required=True),
    Column("arr_delay", least=-240, most=3000),
    Column("carrier", "VARCHAR", required=True, code="[A-Z0-9]{2}"),
    Column("flight", required=True, least=1),
    Column("tailnum", "VARCHAR", code="[A-Z0-9]+"),
    Column("origin", "VARCHAR", required=True, code="[A-Z]{3}"),
    Column("dest", "VARCHAR", required=True, code="[A-Z]{3}"),
    Column("air_time", least=1, most=1500),
    Column("distance", required=True, least=1, most=10_000),
    Column("hour", required=True, least=0, most=24),
    Column("minute", required=True, least=0, most=59),
    Column("time_hour", "TIMESTAMPTZ", required=True),
)

#: What is taken from the tables that flights are joined with, by the first column, weather by the first two:
#: types by column. They are declared, as those that are guessed from a file depend on what is in it.
REFERENCE_COLUMNS = {
    "airlines": {"carrier": "VARCHAR", "name": "VARCHAR"},
    "airports": {"faa": "VARCHAR", "name": "VARCHAR"},
    "planes": {"tailnum": "VARCHAR", "manufacturer": "VARCHAR", "model": "VARCHAR", "seats": "BIGINT"},
    "weather": {
        "origin": "VARCHAR",
        "time_hour": "TIMESTAMPTZ",
        "temp": "DOUBLE",
        "wind_speed": "DOUBLE",
        "precip": "DOUBLE",
        "visib": "DOUBLE",
    },
}

#: The greatest share of a day's rows whose carrier, destination or plane the table may not know. Of a single
#: file of 2013 it is none, up to 8 % and up to 36 %. Weather has none: it lacks the whole of 31 December.
MOST_UNKNOWN = {"airlines": 0.05, "airports": 0.15, "planes": 0.4}

#: No two rows of a day agree in all of these.
KEY = ("time_hour", "carrier", "flight")
