"""The warehouse: a day is there once, whole, and never older than it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from flights.files import RawFile
from flights.warehouse import Day, QualityError, Warehouse


def files(folder: Path, good: int, bad: int, day: str = "2013-01-01") -> Day:
    """A day with so many good and bad rows."""
    folder.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute(f"create table g as select date '{day}' as flight_date, i as flight from range({good}) r(i)")
    db.execute(
        "create table q as select 'a.csv' as file, i as line, ['bad'] as reasons, i::varchar as row "
        f"from range({bad}) r(i)"
    )
    for table, name in (("g", "flights"), ("q", "quarantine")):
        db.execute(f"copy {table} to '{folder / name}.parquet' (format parquet)")
    source = RawFile(f"flights/{day}/EWR.csv", "0x1", "2013-01-02T00:00:00+00:00")
    paths = (folder / "flights.parquet", folder / "quarantine.parquet")
    return Day(day, *paths, raw=good + bad, good=good, quarantined=bad, sources=[source])


def counts(path: Path) -> list[tuple[int, ...]]:
    with duckdb.connect(str(path)) as db:
        return db.execute(
            "select (select count(*) from flights), (select count(*) from quarantine), "
            "(select count(*) from loads)"
        ).fetchall()


class Lake:
    def __init__(self) -> None:
        self.published = 0

    def publish(self) -> None:
        self.published += 1


def test_a_day_loaded_twice_is_there_once(tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), Warehouse(tmp_path / "w.duckdb"), files(tmp_path / "day", 5, 2)
    for _ in range(2):
        assert warehouse.load(day, lake.publish, job_id="job", run_id="run").loaded
    assert counts(tmp_path / "w.duckdb") == [(5, 2, 1)]
    assert lake.published == 2


def test_days_do_not_touch_each_other(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w.duckdb")
    for number, day in enumerate(("2013-01-01", "2013-01-02")):
        warehouse.load(files(tmp_path / day, 3 + number, 1, day), Lake().publish, job_id="j", run_id="r")
    assert counts(tmp_path / "w.duckdb") == [(7, 2, 2)]


def test_a_load_from_older_files_leaves_the_day_as_it_is(tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), Warehouse(tmp_path / "w.duckdb"), files(tmp_path / "new", 5, 0)
    warehouse.load(day, lake.publish, job_id="j", run_id="r")
    (source,) = day.sources
    older = replace(
        files(tmp_path / "old", 2, 0), sources=[replace(source, written="2013-01-01T00:00:00+00:00")]
    )
    assert not warehouse.load(older, lake.publish, job_id="j", run_id="r").loaded
    assert counts(tmp_path / "w.duckdb") == [(5, 0, 1)]
    assert lake.published == 1


def test_counts_that_do_not_agree_change_nothing(tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), Warehouse(tmp_path / "w.duckdb"), files(tmp_path / "day", 5, 2)
    warehouse.load(day, lake.publish, job_id="j", run_id="r")
    lossy = replace(files(tmp_path / "lossy", 4, 2), raw=7)
    with pytest.raises(QualityError, match="7 raw rows, but 4 would be loaded and 2 set aside"):
        warehouse.load(lossy, lake.publish, job_id="j", run_id="r")
    assert counts(tmp_path / "w.duckdb") == [(5, 2, 1)]
    assert lake.published == 1


def test_who_dies_while_publishing_has_changed_nothing_and_can_load_again(tmp_path: Path) -> None:
    lake, warehouse = Lake(), Warehouse(tmp_path / "w.duckdb")
    warehouse.load(files(tmp_path / "old", 5, 2), lake.publish, job_id="j", run_id="r")
    day = files(tmp_path / "new", 6, 0)

    def die() -> None:
        raise ConnectionError("the lake is gone")

    with pytest.raises(ConnectionError):
        warehouse.load(day, die, job_id="j", run_id="r")
    assert counts(tmp_path / "w.duckdb") == [(5, 2, 1)]
    assert warehouse.load(day, lake.publish, job_id="j", run_id="r").loaded
    assert counts(tmp_path / "w.duckdb") == [(6, 0, 1)]
