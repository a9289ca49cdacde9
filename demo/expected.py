"""What the table of flights must hold: the source, joined in plain Python by nothing of the pipeline's."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from demo.flights import raw_files, reference_table

__all__ = ["expected_rows", "first_difference"]

Row = dict[str, Any]

_TEXTS = ("carrier", "tailnum", "origin", "dest")
_KEY = ("time_hour", "carrier", "flight", "origin")


def expected_rows(day: str, sent: Mapping[str, str | bytes]) -> list[Row]:
    """The rows that a day must have: those of the source that were sent whole, joined.

    Parameters:
        day: ISO 8601.
        sent: content by name of all raw files that were sent, damaged ones as they were sent.
    """
    rows = []
    for name, text in raw_files([day]).items():
        header, *lines = text.splitlines()
        first, *arrived = _text(sent.get(name, "")).splitlines() or [""]
        whole = set(arrived) if first == header else set()
        rows += [_joined(header, line) for line in lines if line in whole]
    return rows


def first_difference(
    ask: Callable[[str], list[tuple[Any, ...]]], day: str, expected: list[Row]
) -> str | None:
    """Compare a day of the table with what it must hold: each row, and each of its values.

    Parameters:
        ask: gives the rows of a query to the warehouse.
        day: ISO 8601.
        expected: see `expected_rows`.

    Returns:
        the first row and column that differ, and how; None when all are equal.
    """
    declared = _joined(*next(iter(raw_files([day]).values())).splitlines()[:2])
    columns = {name for (name,) in ask(_COLUMNS)}
    if columns != {*declared}:
        return f"the table's columns are not the expected ones: {sorted(columns ^ {*declared})}"
    selected = ", ".join("time_hour at time zone 'UTC'" if name == "time_hour" else name for name in declared)
    rows = ask(f"select {selected} from flights where flight_date = date '{day}'")
    found = [dict(zip(declared, row, strict=True)) for row in rows]
    return next(_differences(expected, found), None)


_COLUMNS = "select column_name from information_schema.columns where table_name = 'flights'"


def _differences(expected: list[Row], found: list[Row]) -> Iterator[str]:
    right, there = {_key(row): row for row in expected}, {_key(row): row for row in found}
    times = Counter(map(_key, found))
    for key in sorted({*right, *there}, key=repr):
        flight = f"{key[1]} {key[2]} from {key[3]} of {key[0]} UTC"
        if key not in there:
            yield f"{flight} is not there"
        elif key not in right:
            yield f"{flight} is there, and should not be"
        else:
            for name, value in right[key].items():
                if there[key][name] != value:
                    yield f"{flight} has the {name} {there[key][name]!r}, and not {value!r}"
            if times[key] > 1:
                yield f"{flight} is there {times[key]} times"


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEY)


def _joined(header: str, line: str) -> Row:
    texts = dict(zip(header.split(","), line.split(","), strict=True))
    row = {
        name: _value(text, str if name in _TEXTS else int)
        for name, text in texts.items()
        if name != "time_hour"
    }
    hour = _hour(texts["time_hour"])
    plane = _table("planes", "tailnum").get((texts["tailnum"],), {})
    weather = _table("weather", "origin", "time_hour").get((texts["origin"], texts["time_hour"]), {})
    return {
        "flight_date": date(row.pop("year"), row.pop("month"), row.pop("day")),
        **row,
        "time_hour": hour,
        "airline": _table("airlines", "carrier").get((texts["carrier"],), {}).get("name"),
        "destination": _table("airports", "faa").get((texts["dest"],), {}).get("name"),
        **{name: _value(plane.get(name, "NA"), str) for name in ("manufacturer", "model")},
        "seats": _value(plane.get("seats", "NA"), int),
        **{
            name: _value(weather.get(name, "NA"), float) for name in ("temp", "wind_speed", "precip", "visib")
        },
    }


@lru_cache(maxsize=4)
def _table(name: str, *key: str) -> dict[tuple[str, ...], dict[str, str]]:
    rows = csv.DictReader(reference_table(name).splitlines())
    return {tuple(row[column] for column in key): row for row in rows}


def _value(text: str, kind: Callable[[str], Any]) -> Any:
    return None if text == "NA" else kind(text)


def _hour(text: str) -> datetime:
    """Without a time zone, in UTC, as the warehouse is asked for it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode(errors="replace")
