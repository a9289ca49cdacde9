"""The flights of many days by Batch tasks, against the same SQL in one process on the same cores.

Both read the raw files from the same storage and leave each day's rows there. The one process takes the files
one after another, as a script without Batch would, and DuckDB uses all cores for each. The fan-out is taken
from the first task's creation to the last one's end, as the account tells it: Airflow is not in it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient

from benchmarks.table import Row
from demo.flights import land, land_reference, raw_files
from demo.processes.supervisor import PROJECT_DIR
from demo.stack import LocalStack, StackOptions

DAYS = [(date(2013, 3, 1) + timedelta(days=number)).isoformat() for number in range(30)]
_PATIENCE_SECONDS = 900.0


def rows() -> list[Row]:
    """Wall time of both, and what each task costs over its share of the one process."""
    files = raw_files(DAYS)
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as name:
        options = StackOptions(
            Path(name) / "stack", PROJECT_DIR / "dags", containers=("raw", "single"), subscriptions=()
        )
        with LocalStack(options) as stack:
            land_reference(stack.storage)
            land(stack.storage, files)
            tasks, spread = _spread(stack)
        # Alone on the machine: the fan-out's share of it is what Airflow leaves.
        with LocalStack(StackOptions(options.work_dir, with_emulator=False, subscriptions=())) as stack:
            single = _single(stack, files, Path(name))
    title = f"transform and merge {len(files)} files of flights"
    return [
        Row(f"{title}, {tasks} tasks", spread, "s", "one process, all cores", single),
        Row("the same, a task", spread / tasks, "s", "its share of the one process", single / tasks),
    ]


def _spread(stack: LocalStack) -> tuple[int, float]:
    """Tasks of the job, and seconds that they took."""
    run = stack.airflow.trigger("flights_etl", {"days": DAYS})
    ended = stack.airflow.wait_for_run(run.dag_id, run.run_id, _PATIENCE_SECONDS, stack.check)
    assert ended.state == "success", ended
    credential = AzureNamedKeyCredential(stack.batch.name, stack.batch.key)
    with BatchClient(stack.batch.endpoint, credential) as client:
        (job,) = client.list_jobs()
        tasks: list[Any] = list(client.list_tasks(str(job.id)))
    first = min(task.creation_time for task in tasks)
    last = max(task.execution_info.end_time for task in tasks)
    return len(tasks), (last - first).total_seconds()


def _single(stack: LocalStack, files: dict[str, str], folder: Path) -> float:
    """Seconds that one process takes from the first file's download to the last day's upload."""
    sys.path.insert(0, str(PROJECT_DIR / "dags"))
    from flights.files import REFERENCE
    from flights.sql import merge_sql, transform_sql

    connection = stack.storage.connection_string
    begin = time.perf_counter()
    with (
        ContainerClient.from_connection_string(connection, "raw") as raw,
        ContainerClient.from_connection_string(connection, "single") as target,
    ):
        for day in DAYS:
            of_day = folder / day
            for name in (name for name in files if f"/{day}/" in name):
                part = of_day / Path(name).stem
                part.mkdir(parents=True)
                for reference in REFERENCE:
                    _download(raw, f"reference/{reference}", part / reference)
                _download(raw, name, part / "raw.csv")
                _run(transform_sql(), part, FLIGHT_DAY=day, FLIGHT_ORIGIN=Path(name).stem, FLIGHT_FILE=name)
            _run(merge_sql(), of_day, FLIGHT_DAY=day)
            for result in ("flights.parquet", "quarantine.parquet", "report.json"):
                with (of_day / result).open("rb") as data:
                    target.upload_blob(f"{day}/{result}", data)
    return time.perf_counter() - begin


def _download(container: ContainerClient, name: str, to: Path) -> None:
    with to.open("wb") as file:
        container.download_blob(name).readinto(file)


def _run(script: str, folder: Path, **environment: str) -> None:
    """What the command line program does on a node: lines with a dot are its own, and so is `getenv`."""
    import duckdb

    def value(match: re.Match[str]) -> str:
        return f"'{environment[match[1]]}'"

    sql = re.sub(r"getenv\('(\w+)'\)", value, re.sub(r"(?m)^\..*\n", "", script))
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.closing(duckdb.connect()) as db:
            db.execute(sql)
    finally:
        os.chdir(before)
