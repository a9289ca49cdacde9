"""Loads, readers and processes that die at the same warehouse: who waits for whom, and what is there then."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from flights.warehouse import Day, Warehouse

from tests.dags.flights.warehouses import DuckTables, Lake, PostgresTables, Tables, counts, files


@pytest.mark.slow
def test_readers_and_loads_do_not_wait_for_each_other_in_postgresql(
    database: PostgresTables, tmp_path: Path
) -> None:
    database.warehouse.load(files(tmp_path / "old", 5, 2), Lake().publish, job_id="j", dag_id="d", run_id="r")
    everything = "select good, quarantined from loads natural join flights natural join quarantine limit 1"
    seen: list[Any] = []
    impatient = f"{database.uri}?options=-c%20lock_timeout%3D5000"
    with psycopg.connect(impatient) as reader:  # in a transaction that stays open
        reader.execute(everything)

        def publish() -> None:
            with psycopg.connect(impatient) as other:
                seen.extend(other.execute("select good from loads").fetchall())

        with ThreadPoolExecutor() as pool:
            load = pool.submit(
                database.warehouse.load,
                files(tmp_path / "new", 6, 0),
                publish,
                job_id="j",
                dag_id="d",
                run_id="r",
            )
            try:
                assert load.result(timeout=30).loaded
            finally:
                reader.rollback()  # or it would be waited for
    assert seen == [(5,)]


def test_a_load_says_whom_it_waits_for_when_somebody_reads_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables = DuckTables(tmp_path / "w.duckdb")
    tables.warehouse.load(files(tmp_path / "old", 5, 2), Lake().publish, job_id="j", dag_id="d", run_id="r")
    program = (
        "import duckdb, sys; db = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tables.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin
        assert reader.stdout
        reader.stdout.readline()
        with ThreadPoolExecutor() as pool:
            load = pool.submit(
                tables.warehouse.load,
                files(tmp_path / "new", 6, 0),
                Lake().publish,
                job_id="j",
                dag_id="d",
                run_id="r",
            )
            try:
                waits_for(caplog, f"PID {reader.pid}")
            finally:
                reader.stdin.close()
            assert load.result().loaded
    assert len(caplog.records) == 1
    assert counts(tables) == [(6, 0, 1)]


def test_a_file_that_is_no_warehouse_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flights.warehouse._LOCK_SECONDS", 0.0)
    path = tmp_path / "Could not set lock on file.duckdb"
    path.write_text("no database")
    with pytest.raises(duckdb.IOException, match="not a valid DuckDB database"):
        Warehouse(path).load(files(tmp_path / "d", 5, 2), Lake().publish, job_id="j", dag_id="d", run_id="r")
    assert not caplog.records


@pytest.mark.slow
def test_a_load_says_which_other_load_it_waits_for(
    database: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load(number: int, publish: Callable[[], None]) -> None:
        day = files(tmp_path / str(number), number, 0)
        assert database.warehouse.load(day, publish, job_id="j", dag_id="d", run_id="r").loaded

    with ThreadPoolExecutor() as pool:

        def load_another() -> None:
            others.append(pool.submit(load, 6, Lake().publish))
            ((holder,),) = database.ask("select pid from pg_locks where locktype = 'advisory' and granted")
            waits_for(caplog, f"PostgreSQL process {holder}.")

        others: list[Future[None]] = []
        load(5, load_another)
        others[0].result()
    assert counts(database) == [(6, 0, 1)]


def waits_for(caplog: pytest.LogCaptureFixture, whom: str) -> None:
    deadline = time.monotonic() + 60
    while not caplog.records:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert whom in caplog.text


@pytest.mark.slow
def test_loads_of_one_day_at_the_same_time_leave_one_whole_load(database: Tables, tmp_path: Path) -> None:
    days = [files(tmp_path / str(n), n, 1) for n in (3, 4, 5, 6)]
    published: list[int] = []

    def load(day: Day) -> None:
        database.warehouse.load(day, lambda: published.append(day.good), job_id="j", dag_id="d", run_id="r")

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, days))

    assert sorted(published) == [3, 4, 5, 6]
    assert counts(database) == [(published[-1], 1, 1)]  # what was published last is what is there


@pytest.mark.slow
def test_a_process_killed_in_a_load_leaves_the_day_as_it_was_and_nobody_waiting(
    database: Tables, tmp_path: Path
) -> None:
    database.warehouse.load(files(tmp_path / "old", 5, 2), Lake().publish, job_id="j", dag_id="d", run_id="r")
    day = files(tmp_path / "new", 6, 0)
    (tmp_path / "day.pickle").write_bytes(pickle.dumps(day))
    program = (
        "import pathlib, pickle, sys, time; from flights.postgres import PostgresWarehouse\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def publish(): (folder / 'publishing').touch(); time.sleep(600)\n"
        "day = pickle.loads((folder / 'day.pickle').read_bytes())\n"
        "PostgresWarehouse('flights_warehouse').load(day, publish, job_id='j', dag_id='d', run_id='r')"
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
    assert database.warehouse.load(day, Lake().publish, job_id="j", dag_id="d", run_id="r").loaded
    assert counts(database) == [(6, 0, 1)]
