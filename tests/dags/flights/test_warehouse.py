"""The warehouse, in DuckDB and in PostgreSQL: a day is there once, whole, and never older than it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flights.files import RawFile
from flights.pipeline import WAREHOUSE_CONN_ID, open_warehouse
from flights.postgres import PostgresWarehouse
from flights.warehouse import Day, NeverLoadedError, QualityError, Warehouse

from airflow_batch_provider.airflow_exceptions import AirflowFailException
from tests.dags.flights.warehouses import DuckTables, Lake, Tables, counts, files


def test_a_day_loaded_twice_is_there_once(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "day", 5, 2)
    for _ in range(2):
        assert warehouse.load(day, lake.publish, job_id="job", dag_id="d", run_id="run").loaded
    assert counts(tables) == [(5, 2, 1)]
    assert lake.published == 2


def test_days_do_not_touch_each_other(tables: Tables, tmp_path: Path) -> None:
    warehouse = tables.warehouse
    for number, day in enumerate(("2013-01-01", "2013-01-02")):
        warehouse.load(
            files(tmp_path / day, 3 + number, 1, day), Lake().publish, job_id="j", dag_id="d", run_id="r"
        )
    assert counts(tables) == [(7, 2, 2)]


EWR = RawFile("flights/2013-01-01/EWR.csv", "0x1", "2013-01-02T00:00:00+00:00", "2013-01-04T00:00:00+00:00")
JFK = replace(EWR, name="flights/2013-01-01/JFK.csv")
NEWER = replace(EWR, written="2013-01-03T00:00:00+00:00")


@pytest.mark.parametrize(
    ("loaded", "older"),
    [
        pytest.param([EWR], [replace(NEWER, listed="2013-01-03T00:00:01+00:00")], id="listed before"),
        pytest.param([EWR], [replace(EWR, listed="2013-01-03T23:59:59+00:00")], id="the same, listed before"),
        pytest.param([NEWER], [EWR, JFK], id="listed in one second, older files"),
        pytest.param([EWR, JFK], [EWR], id="listed in one second, fewer files"),
    ],
)
def test_a_load_from_an_earlier_listing_leaves_the_day_as_it_is(
    tables: Tables, tmp_path: Path, loaded: list[RawFile], older: list[RawFile]
) -> None:
    lake, warehouse = Lake(), tables.warehouse
    day = replace(files(tmp_path / "new", 5, 0), sources=loaded)
    slow = replace(files(tmp_path / "old", 2, 0), sources=older)
    for _ in range(2):
        assert warehouse.load(
            day, lake.publish, job_id="j", dag_id="d", run_id="r"
        ).loaded  # itself it may load again
        assert not warehouse.load(slow, lake.publish, job_id="j", dag_id="d", run_id="r").loaded
        assert counts(tables) == [(5, 0, 1)]
    assert lake.published == 2


def test_a_file_that_was_withdrawn_is_out_of_the_table_after_a_rerun(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse = Lake(), tables.warehouse
    both = [EWR, replace(JFK, written=NEWER.written)]
    warehouse.load(
        replace(files(tmp_path / "both", 5, 2), sources=both),
        lake.publish,
        job_id="j",
        dag_id="d",
        run_id="r",
    )
    left = [replace(EWR, listed="2013-01-04T00:00:01+00:00")]
    rerun = replace(files(tmp_path / "left", 3, 0), sources=left)

    assert warehouse.load(rerun, lake.publish, job_id="j", dag_id="d", run_id="r").loaded

    assert counts(tables) == [(3, 0, 1)]
    assert lake.published == 2


def test_a_day_without_files_is_emptied_by_a_later_listing_only(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "day", 5, 2)
    warehouse.load(day, lake.publish, job_id="j", dag_id="d", run_id="r")

    def emptied(listed: str) -> bool:
        return warehouse.load(
            Day.without_files(day.day, listed), lake.publish, job_id="", dag_id="d", run_id="withdrawn"
        ).loaded

    assert not emptied("2013-01-04T00:00:00+00:00")  # in one second the listing that shows a file has it
    assert counts(tables) == [(5, 2, 1)]
    assert warehouse.days_of("d", "r") == [day.day]
    assert emptied("2013-01-04T00:00:01+00:00")
    assert counts(tables) == [(0, 0, 1)]
    assert (warehouse.days_of("d", "r"), warehouse.days_of("d", "withdrawn")) == ([], [day.day])
    assert not warehouse.load(day, lake.publish, job_id="j", dag_id="d", run_id="r").loaded
    assert lake.published == 2
    again = replace(day, sources=[replace(EWR, listed="2013-01-04T00:00:01+00:00")])
    assert warehouse.load(again, lake.publish, job_id="j", dag_id="d", run_id="r").loaded
    assert counts(tables) == [(5, 2, 1)]


def test_a_warehouse_that_was_never_loaded_has_no_day_of_a_run(tables: Tables) -> None:
    assert tables.warehouse.days_of("d", "r") == []


@pytest.mark.parametrize("unknown", [["dag_id"], ["dag_id", "listed"]])
def test_a_ledger_of_an_earlier_version_goes_on(tables: Tables, tmp_path: Path, unknown: list[str]) -> None:
    warehouse, day = tables.warehouse, files(tmp_path / "day", 5, 2)
    other = files(tmp_path / "other", 3, 0, "2013-01-02")
    for each in (day, other):
        warehouse.load(each, Lake().publish, job_id="j", dag_id="d", run_id="r")
    for column in unknown:
        tables.tell(f"alter table loads drop column {column}")

    assert warehouse.days_of("d", "r") == [day.day, other.day]  # as a run that loaded them would look for
    assert warehouse.load(day, Lake().publish, job_id="j", dag_id="d", run_id="r").loaded

    assert counts(tables) == [(8, 2, 2)]
    assert warehouse.days_of("d", "r") == [day.day, other.day]
    assert warehouse.days_of("another", "r") == [other.day]


def test_runs_of_two_dags_may_have_one_id(tables: Tables, tmp_path: Path) -> None:
    warehouse = tables.warehouse
    for dag_id, day in (("flights_etl", "2013-01-01"), ("flights_ingest", "2013-01-02")):
        made = files(tmp_path / day, 3, 1, day)
        warehouse.load(made, Lake().publish, job_id="j", dag_id=dag_id, run_id="again")

    assert warehouse.days_of("flights_etl", "again") == ["2013-01-01"]
    assert warehouse.days_of("flights_ingest", "again") == ["2013-01-02"]
    assert warehouse.days_of("flights_withdraw", "again") == []


def test_a_file_that_lost_all_its_good_rows_changes_nothing(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse = Lake(), tables.warehouse
    warehouse.load(files(tmp_path / "old", 5, 2), lake.publish, job_id="j", dag_id="d", run_id="r")
    header = files(tmp_path / "new", 0, 0)
    header = replace(header, without_good={header.sources[0]: "no rows"})

    lost = r"flights/2013-01-01/EWR\.csv holds no rows; but the warehouse has 5 good rows of it"
    with pytest.raises(QualityError, match=lost):
        warehouse.load(header, lake.publish, job_id="j", dag_id="d", run_id="r")

    assert counts(tables) == [(5, 2, 1)]
    assert lake.published == 1
    with pytest.raises(QualityError, match=r"there is nothing in flights/2013-01-01/EWR\.csv, not even"):
        warehouse.load(
            replace(header, blank=header.sources), lake.publish, job_id="j", dag_id="d", run_id="r"
        )
    assert counts(tables) == [(5, 2, 1)]
    jfk = replace(header.sources[0], name="flights/2013-01-01/JFK.csv")  # of which there was none before
    beside = replace(files(tmp_path / "beside", 5, 2), without_good={jfk: "no rows"})
    done = warehouse.load(beside, lake.publish, job_id="j", dag_id="d", run_id="r")
    assert (done.loaded, done.without_good) == (True, {jfk.name: "no rows"})


def test_a_load_tells_of_which_airports_there_are_fewer_rows_now(tables: Tables, tmp_path: Path) -> None:
    def load(good: int) -> dict[str, Any]:
        day = files(tmp_path / str(good), good, 0)
        return dict(tables.warehouse.load(day, Lake().publish, job_id="j", dag_id="d", run_id="r").fewer)

    assert [load(good) for good in (5, 7, 3)] == [{}, {}, {"EWR": {"before": 7, "now": 3}}]
    emptied = Day.without_files("2013-01-01", "2013-01-04T00:00:01+00:00")
    done = tables.warehouse.load(emptied, Lake().publish, job_id="", dag_id="d", run_id="r")
    assert done.fewer == {"EWR": {"before": 3, "now": 0}}


def test_nothing_is_emptied_where_nothing_was_ever_loaded(tables: Tables) -> None:
    lake, emptied = Lake(), Day.without_files("2013-01-01", "2013-01-04T00:00:00+00:00")
    if isinstance(tables, DuckTables):
        where = rf"the DuckDB file {tables.path}: nothing was ever loaded there"
    else:
        where = (
            "the PostgreSQL database flights_.*, schema public, of the connection flights_warehouse: nothing"
        )

    with pytest.raises(NeverLoadedError, match=where):
        tables.warehouse.load(emptied, lake.publish, job_id="", dag_id="d", run_id="r")
    assert not isinstance(tables, DuckTables) or not tables.path.exists()
    assert tables.warehouse.days_of("d", "r") == []  # makes the ledger
    with pytest.raises(NeverLoadedError, match=where):
        tables.warehouse.load(emptied, lake.publish, job_id="", dag_id="d", run_id="r")
    assert lake.published == 0


def test_counts_that_do_not_agree_change_nothing(tables: Tables, tmp_path: Path) -> None:
    lake, warehouse, day = Lake(), tables.warehouse, files(tmp_path / "day", 5, 2)
    warehouse.load(day, lake.publish, job_id="j", dag_id="d", run_id="r")
    lossy = replace(files(tmp_path / "lossy", 4, 2), raw=7)
    with pytest.raises(QualityError, match="7 raw rows, but 4 would be loaded and 2 set aside"):
        warehouse.load(lossy, lake.publish, job_id="j", dag_id="d", run_id="r")
    assert counts(tables) == [(5, 2, 1)]
    assert lake.published == 1


def test_who_dies_while_publishing_has_changed_nothing_and_can_load_again(
    tables: Tables, tmp_path: Path
) -> None:
    lake, warehouse = Lake(), tables.warehouse
    warehouse.load(files(tmp_path / "old", 5, 2), lake.publish, job_id="j", dag_id="d", run_id="r")
    day = files(tmp_path / "new", 6, 0)

    def die() -> None:
        raise ConnectionError("the lake is gone")

    with pytest.raises(ConnectionError):
        warehouse.load(day, die, job_id="j", dag_id="d", run_id="r")
    assert counts(tables) == [(5, 2, 1)]
    assert warehouse.load(day, lake.publish, job_id="j", dag_id="d", run_id="r").loaded
    assert counts(tables) == [(6, 0, 1)]


def test_values_come_into_the_tables_as_they_are_in_the_files(tables: Tables, tmp_path: Path) -> None:
    day = files(tmp_path / "day", 0, 0)
    odd = """'a "b", c'', ü
e' as plane, '' as empty, null::varchar as nothing, 'NULL' as word, '\\N' as sign"""
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.execute(
        f"copy (select date '2013-01-01' as flight_date, {odd}, 0.1::double as wind, 7::bigint as seats, "
        "timestamptz '2013-01-01 05:00:00-05' as time_hour, 'EWR' as origin, "
        f"3::integer as flight) to '{day.flights}' (format parquet)"
    )
    db.execute(
        "copy (select 'f.csv' as file, 2 as line, ['x is \"no\" date, {}', 'y'] as reasons, '1,,\"' as row) "
        f"to '{day.quarantine}' (format parquet)"
    )

    tables.warehouse.load(
        replace(day, raw=2, good=1, quarantined=1), Lake().publish, job_id="j", dag_id="d", run_id="r"
    )

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


def test_the_warehouse_is_in_postgresql_when_a_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_warehouse(), Warehouse)

    monkeypatch.setenv(WAREHOUSE_CONN_ID, "flights_warehouse")

    assert isinstance(open_warehouse(), PostgresWarehouse)


@pytest.mark.parametrize("named", [":memory:", "postgresql://u:s3cret@h/db", "md:flights"])
def test_a_warehouse_that_is_no_file_is_refused_without_telling_its_password(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("FLIGHTS_WAREHOUSE", named)
    with pytest.raises(AirflowFailException, match="FLIGHTS_WAREHOUSE is no path") as refused:
        open_warehouse()
    assert "s3cret" not in str(refused.value)
