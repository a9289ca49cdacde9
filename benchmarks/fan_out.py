"""The flights of many days by Batch tasks, against the same SQL in one process on the same cores.

Both read the raw files from the same storage and leave each day's rows there. The one process takes the files
one after another, as a script without Batch would: it reads the tables to join with once, which each task
does for itself, and DuckDB uses all cores for each file. The fan-out is on one
node with a task slot a core, and is taken from the first task's creation to the last one's end, as the
account tells it: Airflow is not in it. What a task costs beside its SQL is named by runs of the same job
whose tasks do less: nothing at all; have their files brought and taken away; and start the program. What it
costs to read the tables is that of the one process.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient

from benchmarks.table import Row
from demo.flights import land, land_reference, raw_files
from demo.processes.supervisor import PROJECT_DIR
from demo.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    import duckdb

DAYS = [(date(2013, 3, 1) + timedelta(days=number)).isoformat() for number in range(30)]
ROUNDS = 2
"""The best of them counts: what else the machine did is in the others."""

_DAG_ID = "fan_out"
_WAYS = ("nothing", "files", "start", "whole")  # as the DAG has them: each does more than the one before
_NAMES = (
    "being scheduled, its folder, a process",
    "files brought and taken away",
    "DuckDB's start",
    "its SQL",
)
_PATIENCE_SECONDS = 300.0


def rows() -> list[Row]:
    """Wall time of both, what a task consists of, and for how many cores the one process has work."""
    files = raw_files(DAYS)
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as name:
        folder = Path(name)
        with _stack(folder) as stack:
            land_reference(stack.storage)
            land(stack.storage, files)
            _spread(stack, "nothing")  # the node starts and Airflow has everything imported
            spread = {way: [_spread(stack, way) for _ in range(ROUNDS)] for way in _WAYS}
        # Alone on the machine: the fan-out's share of it is what Airflow leaves.
        options = StackOptions(
            folder / "stack", with_emulator=False, containers=("single",), subscriptions=()
        )
        with LocalStack(options) as stack:
            single = min(_single(stack, files, folder / str(number)) for number in range(ROUNDS))
    tasks = spread["whole"][0][0]
    best = {way: min(seconds for _, seconds in runs) / tasks for way, runs in spread.items()}
    parts = [best["nothing"], *(more - less for less, more in pairwise(best.values()))]
    seconds, busy, reading = single
    title = f"transform and merge {len(files)} files of flights"
    whole = best["whole"]
    return [
        Row(f"{title}, {tasks} tasks", whole * tasks, "s", "one process, all cores", seconds),
        Row("the same, a task", whole, "s", "its share of the one process", seconds / tasks),
        *(
            Row(f"of that: {part}", cost, "s", "the task", whole)
            for part, cost in zip(_NAMES, parts, strict=True)
        ),
        Row(
            "reading the tables to join with, which each file's task does anew", reading, "s", "a task", whole
        ),
        Row("CPU of the one process", busy, "s", "its wall time", seconds),
    ]


@contextmanager
def _stack(folder: Path) -> Iterator[LocalStack]:
    dags = folder / "dags"
    shutil.copytree(PROJECT_DIR / "dags" / "flights", dags / "flights")
    shutil.copy(Path(__file__).with_name("fan_out_dag.py"), dags)
    options = StackOptions(folder / "stack", dags, containers=("raw",), subscriptions=())
    with LocalStack(options) as stack:
        while not stack.airflow.has_dag(_DAG_ID):
            assert not (wrong := stack.airflow.import_errors()), wrong
            stack.check()
            time.sleep(0.2)
        yield stack


def _spread(stack: LocalStack, way: str) -> tuple[int, float]:
    """Tasks of the job, and seconds that they took."""
    run = stack.airflow.trigger(_DAG_ID, {"days": DAYS, "way": way})
    ended = stack.airflow.wait_for_run(run.dag_id, run.run_id, _PATIENCE_SECONDS, stack.check)
    assert ended.state == "success", ended
    job_id = stack.airflow.xcom(run.dag_id, run.run_id, "spread")["job_id"]
    credential = AzureNamedKeyCredential(stack.batch.name, stack.batch.key)
    with BatchClient(stack.batch.endpoint, credential) as client:
        tasks: list[Any] = list(client.list_tasks(job_id))
    first = min(task.creation_time for task in tasks)
    last = max(task.execution_info.end_time for task in tasks)
    print(f"fan_out, {way}: {(last - first).total_seconds():.2f} s", file=sys.stderr, flush=True)
    return len(tasks), (last - first).total_seconds()


def _single(stack: LocalStack, files: dict[str, str], folder: Path) -> tuple[float, float, float]:
    """Seconds of one process: from the first download to the last upload, of CPU, to read the tables."""
    import duckdb

    sys.path.insert(0, str(PROJECT_DIR / "dags"))
    from flights.files import REFERENCE
    from flights.sql import merge_sql, reference_sql, rows_sql

    connection = stack.storage.connection_string
    begin, cpu = time.perf_counter(), time.process_time()
    with (
        ContainerClient.from_connection_string(connection, "raw") as raw,
        ContainerClient.from_connection_string(connection, "single") as target,
        duckdb.connect() as db,
    ):
        (folder / "raw" / "reference").mkdir(parents=True)
        for reference in REFERENCE:
            _download(raw, f"reference/{reference}", folder / "raw" / "reference" / reference)
        _run(db, reference_sql(), folder)
        read = time.perf_counter() - begin
        for day in DAYS:
            of_day = folder / day
            for name in (name for name in files if f"/{day}/" in name):
                part = of_day / Path(name).stem
                part.mkdir(parents=True)
                _download(raw, name, part / "raw.csv")
                file = {"FLIGHT_FILE": name, "FLIGHT_ORIGIN": Path(name).stem, "FLIGHT_FLAW": ""}
                _run_apart(db, rows_sql(), part, FLIGHT_DAY=day, **file)
            _run_apart(db, merge_sql(), of_day, FLIGHT_DAY=day)
            for result in ("flights.parquet", "quarantine.parquet", "report.json"):
                with (of_day / result).open("rb") as data:
                    target.upload_blob(f"{day}/{result}", data, overwrite=True)
    took = time.perf_counter() - begin
    print(f"fan_out, one process: {took:.2f} s", file=sys.stderr, flush=True)
    return took, time.process_time() - cpu, read


def _download(container: ContainerClient, name: str, to: Path) -> None:
    with to.open("wb") as file:
        container.download_blob(name).readinto(file)


def _run_apart(db: duckdb.DuckDBPyConnection, script: str, folder: Path, **environment: str) -> None:
    """Run a script that leaves nothing but files."""
    db.begin()
    _run(db, script, folder, **environment)
    db.rollback()


def _run(db: duckdb.DuckDBPyConnection, script: str, folder: Path, **environment: str) -> None:
    """What the command line program does on a node: lines with a dot are its own, and so is `getenv`."""

    def value(match: re.Match[str]) -> str:
        return f"'{environment[match[1]]}'"

    sql = re.sub(r"getenv\('(\w+)'\)", value, re.sub(r"(?m)^\..*\n", "", script))
    before = Path.cwd()
    os.chdir(folder)
    try:
        db.execute(sql)
    finally:
        os.chdir(before)
