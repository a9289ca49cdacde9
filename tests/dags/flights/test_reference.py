"""The tables that flights are joined with: one that is wrong is told, and is no loss of what it tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.dags.flights.scripts import DAY, NAME, TABLES, rows, run, transform

pytestmark = pytest.mark.slow  # each case starts a program


@pytest.mark.parametrize(
    ("name", "spoilt", "told"),
    [
        ("airlines", lambda text: "", "is empty"),
        ("weather", lambda text: text.splitlines(keepends=True)[0], "holds no rows"),
        ("planes", lambda text: text[: text.rindex(",")], "does not end with a line end"),
        ("planes", lambda text: text[:-4], "does not end with a line end"),
        ("planes", lambda text: text.rstrip(), "does not end with a line end"),
        ("airlines", lambda text: f"{text}UA\n", "line 18 of"),
        (
            "airlines",
            lambda text: f"{text}XX,One,Two\n",
            "Expected Number of Columns: 2 Found: 3: XX,One,Two",
        ),
        ("planes", lambda text: f"{text}N1,2004\n", "Expected Number of Columns: 9 Found: 2: N1,2004"),
        ("planes", lambda text: text.replace(",2,142,", ",2,many,"), 'Could not convert string "many"'),
        ("airlines", lambda text: f'{text}XX,"One" Two\n', "Error when sniffing file"),
        ("airlines", lambda text: f"of today\n{text}", "has no column carrier, but: of today"),
        ("airports", lambda text: text.replace("faa", "iata", 1), "has no column faa, but: iata, name, "),
        ("airlines", lambda text: f"{text}UA,Another\n", "has two rows of carrier UA"),
    ],
)
def test_a_table_to_join_with_that_is_spoilt_is_an_error_and_no_loss(
    package: Path, node: Path, name: str, spoilt: Callable[[str], str], told: str
) -> None:
    table = node / TABLES / f"{name}.csv"
    table.write_text(spoilt(table.read_text()))
    (node / "raw.csv").write_text("\n".join(rows()))
    finished = run("transform", package, node, FLIGHT_DAY=DAY, FLIGHT_ORIGIN="LGA", FLIGHT_FILE=NAME)
    assert finished.returncode != 0
    assert f"raw/reference/{name}.csv" in finished.stderr
    assert told in finished.stderr
    assert not (node / "good.parquet").exists()


def test_rows_twice_in_the_tables_to_join_with_always_give_the_same(package: Path, node: Path) -> None:
    tables = node / TABLES
    header, *planes = (tables / "planes.csv").read_text().splitlines(keepends=True)
    (tables / "planes.csv").write_text("".join((header, *planes, *planes)))
    header, *weather = (tables / "weather.csv").read_text().splitlines(keepends=True)
    two = (
        "LGA,2013,2,8,5,30.02,0,0,0,0,NA,0,0,10,2013-02-08T10:00:00Z\n",
        "LGA,2013,2,8,5,40.02,0,0,0,0,NA,0,0,10,2013-02-08T10:00:00Z\n",
    )
    weather = [
        line for line in weather if not (line.startswith("LGA") and line.endswith("2013-02-08T10:00:00Z\n"))
    ]
    made = []
    for lines in (two, two[::-1]):
        (tables / "weather.csv").write_text("".join((header, *lines, *weather)))
        transform(package, node, "\n".join(rows()[:3]))
        made.append(duckdb.read_parquet(str(node / "good.parquet")).project("flight, model, temp").fetchall())
    assert made[0] == made[1]
    assert made[0][0][2] == 30.02
