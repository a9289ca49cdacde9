"""The warehouse, in DuckDB and in PostgreSQL: a day is there once, whole, and never older than it was."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from flights.pipeline import WAREHOUSE_CONN_ID, open_warehouse
from flights.postgres import PostgresWarehouse
from flights.warehouse import Day, QualityError, Warehouse

from tests.dags.flights.warehouses import Tables, files


def counts(tables: Tables) -> list[tuple[int, ...]]:
    return tables.ask(
        "select (select count(*) from flights), (select count(*) from quarantine), "
        "(select count(*) from loads)"
    )


class Lake:
    def __init__(self) -> None:
        self.published = 0

    def publish(self) -> None:
        self.published += 1


def test_a_day_loaded_twice_is_there_once(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "day", 5, 2)
    for _ in range(2):
        assert warehouse.load(day, lake.publish, job_id="job", run_id="run").loaded
    assert counts(tables) == [(5, 2, 1)]
    assert lake.published == 2


def test_days_do_not_touch_each_other(tables: Tables, tmp_path: Path) -> None:
    warehouse = tables.warehouse
    for number, day in enumerate(("2013-01-01", "2013-01-02")):
        warehouse.load(files(tmp_path / day, 3 + number, 1, day), Lake().publish, job_id="j", run_id="r")
    assert counts(tables) == [(7, 2, 2)]


def test_a_load_from_older_files_leaves_the_day_as_it_is(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "new", 5, 0)
    warehouse.load(day, lake.publish, job_id="j", run_id="r")
    (source,) = day.sources
    older = replace(
        files(tmp_path / "old", 2, 0), sources=[replace(source, written="2013-01-01T00:00:00+00:00")]
    )
    assert not warehouse.load(older, lake.publish, job_id="j", run_id="r").loaded
    assert counts(tables) == [(5, 0, 1)]
    assert lake.published == 1


def test_counts_that_do_not_agree_change_nothing(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "day", 5, 2)
    warehouse.load(day, lake.publish, job_id="j", run_id="r")
    lossy = replace(files(tmp_path / "lossy", 4, 2), raw=7)
    with pytest.raises(QualityError, match="7 raw rows, but 4 would be loaded and 2 set aside"):
        warehouse.load(lossy, lake.publish, job_id="j", run_id="r")
    assert counts(tables) == [(5, 2, 1)]
    assert lake.published == 1


def test_who_dies_while_publishing_has_changed_nothing_and_can_load_again(
    tables: Tables, tmp_path: Path
) -> None:
    lake, warehouse = Lake(), tables.warehouse
    warehouse.load(files(tmp_path / "old", 5, 2), lake.publish, job_id="j", run_id="r")
    day = files(tmp_path / "new", 6, 0)

    def die() -> None:
        raise ConnectionError("the lake is gone")

    with pytest.raises(ConnectionError):
        warehouse.load(day, die, job_id="j", run_id="r")
    assert counts(tables) == [(5, 2, 1)]
    assert warehouse.load(day, lake.publish, job_id="j", run_id="r").loaded
    assert counts(tables) == [(6, 0, 1)]


def test_values_come_into_the_tables_as_they_are_in_the_files(tables: Tables, tmp_path: Path) -> None:
    day = files(tmp_path / "day", 0, 0)
    odd = """'a "b", c'', ü
e' as plane, '' as empty, null::varchar as nothing, 'NULL' as word, '\\N' as sign"""
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.execute(
        f"copy (select date '2013-01-01' as flight_date, {odd}, 0.1::double as wind, 7::bigint as seats, "
        "timestamptz '2013-01-01 05:00:00-05' as time_hour, "
        f"3::integer as flight) to '{day.flights}' (format parquet)"
    )
    db.execute(
        "copy (select 'f.csv' as file, 2 as line, ['x is \"no\" date, {}', 'y'] as reasons, '1,,\"' as row) "
        f"to '{day.quarantine}' (format parquet)"
    )

    tables.warehouse.load(replace(day, raw=2, good=1, quarantined=1), Lake().publish, job_id="j", run_id="r")

    ((*texts, time_hour),) = tables.ask(
        "select plane, empty, nothing, word, sign, wind, seats, flight, time_hour from flights"
    )
    assert texts == ['a "b", c\', ü\ne', "", None, "NULL", "\\N", 0.1, 7, 3]
    assert time_hour.timestamp() == 1357034400
    assert tables.ask('select file, line, reasons, "row" from quarantine') == [
        ("f.csv", 2, ['x is "no" date, {}', "y"], '1,,"')
    ]
    ((newest, sources),) = tables.ask("select newest, sources::varchar from loads")
    assert newest.isoformat()[:10] == "2013-01-02"
    assert json.loads(sources) == [["flights/2013-01-01/EWR.csv", "0x1"]]


@pytest.mark.slow
def test_loads_of_one_day_at_the_same_time_leave_one_whole_load(database: Tables, tmp_path: Path) -> None:
    days = [files(tmp_path / str(n), n, 1) for n in (3, 4, 5, 6)]
    published: list[int] = []

    def load(day: Day) -> None:
        database.warehouse.load(day, lambda: published.append(day.good), job_id="j", run_id="r")

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, days))

    assert sorted(published) == [3, 4, 5, 6]
    assert counts(database) == [(published[-1], 1, 1)]  # what was published last is what is there


@pytest.mark.slow
def test_a_process_killed_in_a_load_leaves_the_day_as_it_was_and_nobody_waiting(
    database: Tables, tmp_path: Path
) -> None:
    database.warehouse.load(files(tmp_path / "old", 5, 2), Lake().publish, job_id="j", run_id="r")
    day = files(tmp_path / "new", 6, 0)
    (tmp_path / "day.pickle").write_bytes(pickle.dumps(day))
    program = (
        "import pathlib, pickle, sys, time; from flights.postgres import PostgresWarehouse\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def publish(): (folder / 'publishing').touch(); time.sleep(600)\n"
        "day = pickle.loads((folder / 'day.pickle').read_bytes())\n"
        "PostgresWarehouse('flights_warehouse').load(day, publish, job_id='j', run_id='r')"
    )
    path = os.pathsep.join(part for part in sys.path if part)
    dying = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "publishing").exists():
        assert dying.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    dying.kill()
    dying.wait()

    assert counts(database) == [(5, 2, 1)]
    assert database.warehouse.load(day, Lake().publish, job_id="j", run_id="r").loaded
    assert counts(database) == [(6, 0, 1)]


def test_the_warehouse_is_in_postgresql_when_a_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_warehouse(), Warehouse)

    monkeypatch.setenv(WAREHOUSE_CONN_ID, "flights_warehouse")

    assert isinstance(open_warehouse(), PostgresWarehouse)
