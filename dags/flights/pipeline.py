"""The steps that the scheduled and the event-driven DAG share."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, get_current_context, task

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import BlobRef, Image, Pool, pending_tasks
from flights.files import RAW, RawFile, list_raw
from flights.graph import DAY_OUTPUTS, STAGING, flights_graph, staged
from flights.package import APPLICATION_ID, build_package
from flights.postgres import PostgresWarehouse
from flights.warehouse import Day, Warehouse

try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 3.1 keeps them elsewhere
    from airflow.exceptions import (  # type: ignore[no-redef]
        AirflowFailException,
        AirflowSkipException,
    )

__all__ = ["FLIGHTS", "WAREHOUSE_CONN_ID", "flights_pipeline", "open_warehouse"]

log = logging.getLogger(__name__)

FLIGHTS = Asset(name="flights", uri="x-warehouse://flights")
#: Where the warehouse's file lies; on a production Airflow with several workers a shared folder.
WAREHOUSE = "FLIGHTS_WAREHOUSE"
#: Or the id of a connection to PostgreSQL: then the warehouse is there.
WAREHOUSE_CONN_ID = "FLIGHTS_WAREHOUSE_CONN_ID"
CURATED = "curated"
_NOT_MADE = "not_made"

POOL = Pool(
    id="flights",
    vm_size="standard_d2s_v5",
    image=Image.UBUNTU_22_04,
    scale=pending_tasks(max_nodes=4, min_nodes=1, spot=True),
    task_slots=2,
)


def flights_pipeline(days: Any) -> None:
    """Make some days anew from all of their raw files; called inside a DAG.

    Args:
        days: XCom of a list of days, ISO 8601.
    """
    files: Any = plan(days)  # what Airflow gives for a call, until the task has run
    package = AzureBatchApplicationPackageOperator(
        task_id="duckdb_package", application_id=APPLICATION_ID, build=build_package
    )
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    job = AzureBatchJobOperator(
        task_id="transform",
        pool_id=POOL.id,
        graph=flights_graph,
        graph_kwargs={
            "files": files,
            "place": "{{ ti.xcom_pull(task_ids='place') }}",
            "version": "{{ ti.xcom_pull(task_ids='duckdb_package')['version'] }}",
        },
        on_task_failure="continue",  # a day that cannot be made keeps no other one
    )
    files >> [package, pool] >> job
    place(files) >> job
    load(files, job.output) >> all_days()


@task
def plan(days: Iterable[str]) -> list[dict[str, Any]]:
    """Which raw files there are for these days; decided once, so that a retry works on the same ones."""
    storage = AzureBatchHook().storage()
    with storage.container_client(RAW) as container:
        files = list_raw(container, days)
    if not files:
        raise AirflowSkipException(f"There are no raw files of {', '.join(sorted(days)) or 'no day'}.")
    if empty := sorted({*days} - {RawFile(**file).day for file in files}):
        log.warning("There are no raw files of %s: what the warehouse has of it stays", ", ".join(empty))
    for needed in (STAGING, CURATED):
        storage.ensure_container(needed)
    return files


@task
def place(files: list[dict[str, Any]]) -> str:
    """A name for what is staged, of this run and these files: a day that lies there was made from them."""
    context = get_current_context()
    run = json.dumps([context["dag"].dag_id, context["run_id"], files])
    return f"{context['dag'].dag_id}/{hashlib.sha256(run.encode()).hexdigest()[:16]}"


@task(outlets=[FLIGHTS], max_active_tis_per_dag=1, trigger_rule="none_skipped")
def load(files: list[dict[str, Any]], job: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Load each day into the warehouse and publish it in the lake; both replace what was there.

    When the job failed, those days are loaded that it made.
    """
    context = get_current_context()
    ended = job or context["ti"].xcom_pull(task_ids="transform", key="failure")
    if not ended:
        raise AirflowFailException("There was no Batch job: see the tasks before this one.")
    sources = [RawFile(**file) for file in files]
    warehouse = open_warehouse()
    storage = AzureBatchHook().storage()
    done, missing = [], []
    staging = context["ti"].xcom_pull(task_ids="place")
    # The days of the plan, not the job's results: of those an XCom holds a hundred at most.
    for day in sorted({source.day for source in sources}):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if not _fetch(storage, staged(staging, day), folder):
                if job:
                    raise FileNotFoundError(f"The job succeeded, but {staged(staging, day)} is not whole.")
                missing.append(day)
                continue
            report = json.loads((folder / "report.json").read_text())
            of_day = [source for source in sources if source.day == day]
            counts = {key: report[key] for key in ("raw", "good", "quarantined")}
            loaded = warehouse.load(
                Day(day, folder / "flights.parquet", folder / "quarantine.parquet", sources=of_day, **counts),
                partial(_publish, storage, folder, day),
                job_id=ended["job_id"],
                run_id=context["run_id"],
            )
        done.append(asdict(loaded))
        if loaded.loaded:
            log.info("%s: %d raw = %d good + %d set aside", day, loaded.raw, loaded.good, loaded.quarantined)
        else:
            log.warning(
                "%s is left as it is: another run listed its files after this one did, and has loaded it. "
                "To load what there is now, clear the task plan, or run flights_etl with this day",
                day,
            )
    if not done:
        raise AirflowFailException("No day was made: see the log of the task transform.")
    if missing:
        log.error("Not made: %s; see the log of the task transform", ", ".join(missing))
        context["ti"].xcom_push(key=_NOT_MADE, value=missing)
    changed = [entry["day"] for entry in done if entry["loaded"]]
    if not changed:  # or the asset would have an event
        raise AirflowSkipException("Nothing was loaded: the warehouse has these days from later listings.")
    context["outlet_events"][FLIGHTS].extra["days"] = changed
    return done


@task(trigger_rule="none_failed")
def all_days() -> None:
    """Fail the run that could not make some of its days, when the others are loaded."""
    missing = get_current_context()["ti"].xcom_pull(task_ids="load", key=_NOT_MADE)
    if missing:
        raise AirflowFailException(
            f"Not made: {', '.join(missing)}. The log of the task transform says why; the other days are "
            "loaded. When the cause is gone, clear transform with what comes after it; where a file was "
            "deleted, clear plan, which listed it."
        )


def open_warehouse() -> Warehouse | PostgresWarehouse:
    """The warehouse that the worker's environment names."""
    if conn_id := os.environ.get(WAREHOUSE_CONN_ID):
        return PostgresWarehouse(conn_id)
    return Warehouse(Path(os.environ.get(WAREHOUSE, "flights.duckdb")))


def _fetch(storage: Any, place: BlobRef, folder: Path) -> bool:
    """Whether a day is there that a job has made, and is in the folder now."""
    from azure.core.exceptions import ResourceNotFoundError

    with storage.container_client(place.container) as container:
        for file in DAY_OUTPUTS:
            with (folder / file).open("wb") as to:
                try:
                    container.download_blob((place / file).name).readinto(to)
                except ResourceNotFoundError:
                    return False
    return True


def _publish(storage: Any, folder: Path, day: str) -> None:
    """One blob a partition: storage shows the old one until the new one is whole."""
    with storage.container_client(CURATED) as container:
        for table in ("flights", "quarantine"):
            with (folder / f"{table}.parquet").open("rb") as data:
                container.upload_blob(f"{table}/flight_date={day}/{table}.parquet", data, overwrite=True)
