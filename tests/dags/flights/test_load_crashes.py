"""A load that dies after any of its steps: what is there is whole, and the next try makes all of it right."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient
from flights.files import RawFile
from flights.pipeline import WAREHOUSE, WAREHOUSE_CONN_ID

from demo.stack.accounts import StorageAccount
from demo.stack.postgres import Postgres
from tests.connections import connection_to
from tests.dags.flights.dying import DIED, Run, load
from tests.dags.flights.warehouses import DuckTables, PostgresTables, Tables, files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # every step is a process or two

#: One day is there and is made anew, of newer files; another one is new. Good rows and bad ones.
EARLIER = {"2013-01-01": (5, 2)}
NOW = {"2013-01-01": (6, 1), "2013-01-03": (4, 3)}
#: A day of the plan, between them, that the job has not made.
NOT_MADE = "2013-01-02"


@dataclass(frozen=True)
class Kept:
    """A warehouse and a way to copy it: how things stood before the load that dies.

    Parameters:
        tables: looks into it.
        environment: leads the load there.
        copy: makes another one that is the same.
    """

    tables: Tables
    environment: dict[str, str]
    copy: Callable[[], Kept]


@dataclass(frozen=True)
class Seen:
    """Of each day what is in the warehouse, of each blob of the lake its rows, and what the load returned."""

    days: dict[str, tuple[Any, ...]]
    lake: dict[str, list[Any]]
    report: Any


@dataclass(frozen=True)
class Story:
    """One warehouse, one lake."""

    kept: Kept
    storage: StorageAccount
    folder: Path
    raw: str
    etags: dict[str, str]
    curated: str

    def load(self, place: str, days: dict[str, tuple[int, int]], last_step: int = 0) -> int | None:
        """Load what is staged at a place, in a process. Gives its exit code."""
        written = _written(place)
        sources = [RawFile(_name(day), self.etags[day], written, written) for day in [*days, NOT_MADE]]
        run = Run(
            {**self.kept.environment, "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": connection_to(self.storage)},
            [asdict(source) for source in sources],
            place,
            self.raw,
            self.curated,
            self.folder / "report.json",
        )
        process = multiprocessing.get_context("forkserver").Process(target=load, args=(run, last_step))
        process.start()
        process.join()
        return process.exitcode

    def seen(self) -> Seen:
        """Look at everything."""
        ask = self.kept.tables.ask
        days: dict[str, tuple[Any, ...]] = {}
        for day in [*NOW, NOT_MADE]:
            of_day = f"where flight_date = date '{day}' order by"
            days[day] = (
                ask(f"select * from flights {of_day} flight"),
                ask(f'select file, line, reasons, "row" from quarantine {of_day} line'),
                ask(
                    "select raw, good, quarantined, newest, cast(sources as varchar), job_id, dag_id, run_id "
                    f"from loads {of_day} raw"
                ),
            )
        lake = {}
        with BlobServiceClient.from_connection_string(self.storage.connection_string) as service:
            container = service.get_container_client(self.curated)
            for name in container.list_blob_names():
                copy = self.folder / "copy.parquet"
                copy.write_bytes(container.download_blob(name).readall())
                lake[name] = duckdb.read_parquet(str(copy)).order("all").fetchall()
        report = self.folder / "report.json"
        return Seen(days, lake, json.loads(report.read_text()) if report.exists() else None)


def _import_once() -> None:
    """Let what takes long be imported by the process that the others are forked from."""
    what = ["tests.dags.flights.dying", "azure.storage.blob"]
    multiprocessing.get_context("forkserver").set_forkserver_preload(what)
    with pytest.MonkeyPatch.context() as patch:  # before Python 3.13 it is not told where modules are
        patch.setenv("PYTHONPATH", os.pathsep.join(part for part in sys.path if part))
        forkserver.ensure_running()


def _name(day: str) -> str:
    return f"flights/{day}/EWR.csv"


def _written(place: str) -> str:
    return "2013-01-02T00:00:00+00:00" if place == "earlier" else "2013-01-03T00:00:00+00:00"


def _duckdb(path: Path) -> Kept:
    def copy() -> Kept:
        other = path.with_name(f"{uuid.uuid4().hex}.duckdb")
        other.write_bytes(path.read_bytes())
        return _duckdb(other)

    return Kept(DuckTables(path), {WAREHOUSE: str(path)}, copy)


def _postgres(server: Postgres, name: str) -> Kept:
    def copy() -> Kept:
        other = f"crashes_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(server.uri(), autocommit=True) as db:
            db.execute(f"create database {other} template {name}")
        return _postgres(server, other)

    environment = {WAREHOUSE_CONN_ID: "of_crashes", "AIRFLOW_CONN_OF_CRASHES": server.uri(name)}
    return Kept(PostgresTables(server.uri(name)), environment, copy)


@pytest.fixture(params=["duckdb", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """A warehouse in which nothing is yet."""
    if request.param == "duckdb":
        return _duckdb(tmp_path / "w.duckdb")
    return _postgres(request.getfixturevalue("postgres"), "template0").copy()


@pytest.fixture
def stories(empty: Kept, azurite: StorageAccount, tmp_path: Path) -> Iterator[Callable[[], Story]]:
    """Makes stories that all begin alike: one day was loaded, and another load of it is staged."""
    _import_once()
    raw, curated = (f"{name}-{uuid.uuid4().hex[:12]}" for name in ("raw", "curated"))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for container in ("staging", raw, curated):
            if not service.get_container_client(container).exists():
                service.create_container(container)
        etags = {}
        for day in [*NOW, NOT_MADE]:
            told = service.get_blob_client(raw, _name(day)).upload_blob(b"")
            etags[day] = str(told["etag"]).strip('"')
        begun = Story(empty, azurite, tmp_path, raw, etags, curated)
        for place, days in {"earlier": EARLIER, "now": NOW}.items():
            for day, (good, bad) in days.items():
                made = files(tmp_path / place / day, good, bad, day)
                counts = {"raw": good + bad, "good": good, "quarantined": bad}
                made.flights.with_name("report.json").write_text(json.dumps(counts))
                for file in made.flights.parent.iterdir():
                    blob = service.get_blob_client("staging", f"{place}/{day}/{file.name}")
                    blob.upload_blob(file.read_bytes(), overwrite=True)
        assert begun.load("earlier", EARLIER) == 0
        lake = service.get_container_client(begun.curated)
        published = {name: lake.download_blob(name).readall() for name in lake.list_blob_names()}

        def story() -> Story:
            (tmp_path / "report.json").unlink(missing_ok=True)
            new = replace(begun, kept=empty.copy(), curated=f"curated-{uuid.uuid4().hex[:12]}")
            with service.create_container(new.curated) as container:
                for name, content in published.items():
                    container.upload_blob(name, content)
            return new

        yield story


def test_whatever_step_a_load_dies_after_the_next_try_makes_all_of_it_right(
    stories: Callable[[], Story],
) -> None:
    undisturbed = stories()
    before = undisturbed.seen()
    assert undisturbed.load("now", NOW) == 0
    after = undisturbed.seen()
    assert {entry["day"]: entry["loaded"] for entry in after.report} == {
        **dict.fromkeys(NOW, True),
        NOT_MADE: False,
    }

    for step in itertools.count(1):
        story = stories()
        code = story.load("now", NOW, step)
        if code == 0:
            break
        assert code == DIED, f"step {step}"
        left = story.seen()
        assert left.report is None, f"step {step}"
        for day, found in left.days.items():  # as it was or as it is to be, ledger included
            assert found in (before.days[day], after.days[day]), f"step {step}"
        for name, rows in left.lake.items():
            assert rows in (before.lake.get(name), after.lake[name]), f"step {step}"

        assert story.load("now", NOW) == 0, f"step {step}"

        assert story.seen() == after, f"step {step}"
        _reconciles(story)
    assert step > 2 * len(_STEPS_OF_A_DAY)
    assert story.seen() == after  # of the one that no step ended


_STEPS_OF_A_DAY = (
    *("connection", "begin", "tables", "newer files?", "flights out", "quarantine out", "ledger out"),
    *("flights in", "quarantine in", "ledger in", "count", "commit", "close"),
    *(
        "fetch flights",
        "fetch quarantine",
        "fetch report",
        "list files",
        "list tables",
        "publish flights",
        "publish quarantine",
    ),
)


def _reconciles(story: Story) -> None:
    """By a query of its own: what was sent is what the ledger says, and each row is in one of two tables."""
    told = story.kept.tables.ask(
        "select cast(l.flight_date as varchar), l.raw, "
        "(select count(*) from flights f where f.flight_date = l.flight_date), "
        "(select count(*) from quarantine q where q.flight_date = l.flight_date) "
        "from loads l order by 1"
    )
    assert told == [(day, good + bad, good, bad) for day, (good, bad) in NOW.items()]
