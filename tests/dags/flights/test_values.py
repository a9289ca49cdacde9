"""What is loaded is the source, joined: every row and every value, by a reckoning that has no SQL."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from flights.warehouse import QualityError

from demo.etl import damaged
from demo.expected import expected_rows, first_difference
from demo.flights import raw_files
from tests.dags.flights.scripts import DAY, TABLES, merge
from tests.dags.flights.warehouses import DuckTables, Tables, files

pytestmark = pytest.mark.slow  # each case starts programs

JFK = f"flights/{DAY}/JFK.csv"
ALL_OF_A_ROW = "g.* exclude (year, month, day)"


def load(package: Path, node: Path, tables: Tables, texts: dict[str, str]) -> None:
    """Have a day made of these files by the scripts of a package, and load it."""
    folder = node / "day"
    report = merge(package, node, folder, texts)
    day = replace(
        files(node / "some", 0, 0, DAY),
        flights=folder / "flights.parquet",
        quarantine=folder / "quarantine.parquet",
        **{name: report[name] for name in ("raw", "good", "quarantined", "unknown")},
    )
    tables.warehouse.load(day, lambda: None, job_id="j", dag_id="d", run_id="r")


@pytest.mark.parametrize("spoilt", [False, True])
def test_every_value_that_is_loaded_is_that_of_the_source(
    package: Path, node: Path, tables: Tables, spoilt: bool
) -> None:
    texts = raw_files([DAY])
    if spoilt:
        texts = {name: damaged(text) for name, text in texts.items()}
    load(package, node, tables, texts)
    expected = expected_rows(DAY, texts)
    assert len(expected) == sum(text.count("\n") - (4 if spoilt else 1) for text in texts.values())
    assert first_difference(tables.ask, DAY, expected) is None


def test_a_day_that_is_joined_with_half_a_table_is_not_loaded(
    package: Path, node: Path, tmp_path: Path
) -> None:
    planes = node / TABLES / "planes.csv"
    lines = planes.read_text().splitlines(keepends=True)
    planes.write_text("".join(lines[: len(lines) // 2]))
    tables = DuckTables(tmp_path / "w.duckdb")
    with pytest.raises(QualityError, match=r"raw/reference/planes\.csv does not know what \d+ of \d+ rows"):
        load(package, node, tables, {JFK: raw_files([DAY])[JFK]})


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (ALL_OF_A_ROW, f"{ALL_OF_A_ROW} replace (0 as arr_delay)", "has the arr_delay 0, and not "),
        (ALL_OF_A_ROW, f"{ALL_OF_A_ROW} replace (1 as distance)", "has the distance 1, and not "),
        (ALL_OF_A_ROW, f"{ALL_OF_A_ROW} replace (517 as dep_time)", "has the dep_time 517, and not "),
        (ALL_OF_A_ROW, f"{ALL_OF_A_ROW} replace ('N1' as tailnum)", "has the tailnum 'N1', and not "),
        ("a.name as airline", "'Wrong Airways' as airline", "has the airline 'Wrong Airways', and not "),
        ("w.origin = g.origin and", "w.origin = 'LGA' and", "has the temp "),
        ("w.time_hour = g.time_hour", "w.time_hour = g.time_hour - interval 1 hour", "has the temp "),
        ("d.faa = g.dest", "d.faa = g.origin", "has the destination "),
        (", w.visib\n", "\n", "columns are not the expected ones: ['visib']"),
        (
            "from good g\n",
            "from (select * replace (min(flight) over (partition by carrier) as flight) from good) g\n",
            " is ",
        ),
    ],
)
def test_a_value_a_join_or_a_row_that_is_wrong_is_named(
    package: Path, node: Path, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    spoilt = tmp_path / "package"
    shutil.copytree(package, spoilt)
    script = (spoilt / "transform.sql").read_text()
    assert script.count(right) == 1
    (spoilt / "transform.sql").write_text(script.replace(right, wrong))
    tables, texts = DuckTables(tmp_path / "w.duckdb"), {JFK: raw_files([DAY])[JFK]}
    load(spoilt, node, tables, texts)
    assert told in str(first_difference(tables.ask, DAY, expected_rows(DAY, texts)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "delete from flights where carrier = 'UA' and flight = (select min(flight) from one)",
            "is not there",
        ),
        ("insert into flights from one", "is there 2 times"),
        ("insert into flights select * replace (9999 as flight) from one", "is there, and should not be"),
        (
            "delete from flights where carrier = 'UA'; insert into flights select one.* from one, range(99)",
            "is not there",
        ),
    ],
)
def test_rows_that_are_lost_or_there_twice_are_named(
    package: Path, node: Path, tmp_path: Path, change: str, told: str
) -> None:
    tables, texts = DuckTables(tmp_path / "w.duckdb"), {JFK: raw_files([DAY])[JFK]}
    load(package, node, tables, texts)
    tables.tell(
        "create temp table one as from flights where carrier = 'UA' order by flight, time_hour limit 1; "
        + change
    )
    difference = str(first_difference(tables.ask, DAY, expected_rows(DAY, texts)))
    assert difference.startswith("UA ")
    assert told in difference
