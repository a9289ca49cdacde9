"""The steps that the scheduled and the event-driven DAG share."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, get_current_context, task

from airflow_batch_provider.airflow_exceptions import AirflowFailException, AirflowSkipException
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import BlobRef, Image, Pool, pending_tasks
from flights.files import RAW, REFERENCE, RawFile, list_day, list_raw, list_tables, not_as_listed
from flights.graph import DAY_OUTPUTS, STAGING, flights_graph, staged
from flights.package import APPLICATION_ID, build_package
from flights.postgres import PostgresWarehouse
from flights.warehouse import Day, NeverLoadedError, QualityError, Warehouse

__all__ = ["FLIGHTS", "WAREHOUSE_CONN_ID", "announce", "empty", "flights_pipeline", "open_warehouse"]

log = logging.getLogger(__name__)

FLIGHTS = Asset(name="flights", uri="x-warehouse://flights")
#: Where the warehouse's file lies; on a production Airflow with several workers a shared folder.
WAREHOUSE = "FLIGHTS_WAREHOUSE"
#: Or the id of a connection to PostgreSQL: then the warehouse is there.
WAREHOUSE_CONN_ID = "FLIGHTS_WAREHOUSE_CONN_ID"
CURATED = "curated"

POOL = Pool(
    id="flights",
    vm_size="standard_d2s_v5",
    image=Image.UBUNTU_22_04,
    scale=pending_tasks(max_nodes=4, min_nodes=1, spot=True),
    task_slots=2,
)


class NotMadeError(RuntimeError):
    """A day is not loaded, because the job has not made it."""


def flights_pipeline(days: Any) -> None:
    """Make some days anew from all of their raw files; called inside a DAG.

    Args:
        days: XCom of a list of days, ISO 8601.
    """
    files: Any = plan(days)  # what Airflow gives for a call, until the task has run
    tables: Any = tables_to_join(files)
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
    place(files, tables) >> job
    report: Any = load(files, tables, job.output)
    all_days(report)
    report >> announce()


@task
def plan(days: Iterable[str]) -> list[dict[str, Any]]:
    """Which raw files there are for these days; decided once, so that a retry works on the same ones."""
    storage = AzureBatchHook().storage()
    with storage.container_client(RAW) as container:
        files = list_raw(container, days)
    if without := sorted({*days} - {RawFile(**file).day for file in files}):
        log.warning(
            "There are no raw files of %s: what the warehouse has of it stays. If they were withdrawn and "
            "the flights shall go too, trigger flights_withdraw with these days",
            ", ".join(without),
        )
    if not files:
        raise AirflowSkipException("There are no raw files of these days.")
    for needed in (STAGING, CURATED):
        storage.ensure_container(needed)
    return files


@task
def tables_to_join(files: list[dict[str, Any]]) -> dict[str, str]:
    """Which versions there are of the tables that these files are joined with: ETags by name."""
    with AzureBatchHook().storage().container_client(RAW) as container:
        tables = list_tables(container)
    if missing := [name for name in REFERENCE if f"reference/{name}" not in tables]:
        raise AirflowFailException(
            f"Flights are joined with {', '.join(REFERENCE)} in {RAW}/reference/, but there is no "
            f"{', '.join(missing)}. Upload it, and clear this task with what comes after it."
        )
    return tables


@task
def place(files: list[dict[str, Any]], tables: dict[str, str]) -> str:
    """A name for what is staged, of this run and these files: a day that lies there was made from them."""
    return _place_of(get_current_context(), files, tables)


@task(max_active_tis_per_dag=1, trigger_rule="none_skipped")
def load(
    files: list[dict[str, Any]], tables: dict[str, str], job: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Load each day into the warehouse and publish it in the lake; both replace what was there.

    A day that the job has not made, that has an empty file or one that was uploaded again meanwhile, or whose
    counts do not agree, is left as it was and keeps no other one: it is in the report with its `failure`.
    """
    context = get_current_context()
    ended = job or context["ti"].xcom_pull(task_ids="transform", key="failure")
    if not ended:
        raise AirflowFailException("There was no Batch job: see the tasks before this one.")
    staging = context["ti"].xcom_pull(task_ids="place")
    if staging != _place_of(context, files, tables):
        raise AirflowFailException(
            "What is staged was made of other files than the task plan, or tables_to_join, has found since: "
            "it was cleared alone. Clear plan with what comes after it. All days are as they were."
        )
    warehouse, storage = open_warehouse(), AzureBatchHook().storage()
    sources = [RawFile(**file) for file in files]
    report: list[dict[str, Any]] = []
    # The days of the plan, not the job's results: of those an XCom holds a hundred at most.
    for day in sorted({source.day for source in sources}):
        of_day = [source for source in sources if source.day == day]
        with tempfile.TemporaryDirectory() as name:
            try:
                made = _fetch(storage, staged(staging, day), Path(name), of_day, tables)
                publish = partial(_publish, storage, made)
                loaded = warehouse.load(made, publish, job_id=ended["job_id"], **_of_run(context))
            except (NotMadeError, QualityError) as failure:
                log.error("%s", failure)
                report.append({"day": day, "loaded": False, "failure": str(failure)})
                continue
        report.append(asdict(loaded))
        for file, why in loaded.without_good.items():
            log.warning("There is no good row in %s, but %s", file, why)
        for origin, rows in loaded.fewer.items():
            log.warning(
                "%s: of %s there were %d good rows, and are %d now", day, origin, rows["before"], rows["now"]
            )
        if loaded.loaded:
            log.info("%s: %d raw = %d good + %d set aside", day, loaded.raw, loaded.good, loaded.quarantined)
        else:
            log.warning(
                "%s is left as it is: another run listed its files after this one did, and has loaded it. "
                "To load what there is now, clear the task plan, or run flights_etl with this day",
                day,
            )
    if all("failure" in entry for entry in report):
        raise AirflowFailException(_told(report))
    return report


@task(max_active_tis_per_dag=1)
def empty(days: Iterable[str]) -> list[dict[str, Any]]:
    """Take days out of the warehouse and the lake of which there are no raw files any more."""
    context = get_current_context()
    storage = AzureBatchHook().storage()
    with storage.container_client(RAW) as container:
        found = {day: list_day(container, day) for day in sorted({*days})}
    if there := [file.name for files, _ in found.values() for file in files]:
        raise AirflowFailException(
            f"Nothing was emptied, as there are raw files of these days: {', '.join(there)}. Delete them "
            "first, if their flights shall go; or leave those days out."
        )
    warehouse, report = open_warehouse(), []
    for day, (_, listed) in found.items():
        emptied = Day.without_files(day, listed)
        publish = partial(_publish, storage, emptied)
        try:
            loaded = warehouse.load(emptied, publish, job_id="", **_of_run(context))
        except NeverLoadedError as wrong:
            raise AirflowFailException(
                f"{wrong} Nothing was emptied. Where flights are loaded is told by {WAREHOUSE}, the path of "
                f"a DuckDB file, or {WAREHOUSE_CONN_ID}, an Airflow connection to PostgreSQL: see to it that "
                "all workers have the same in their environment."
            ) from None
        report.append(asdict(loaded))
        if loaded.loaded:
            log.info("%s is empty", day)
        else:
            log.warning("%s is left as it is: another run has loaded files of it that were listed later", day)
    return report


@task(outlets=[FLIGHTS], trigger_rule="all_done")
def announce() -> list[str]:
    """Name in the asset's event the days that the warehouse has from this run, by its ledger.

    So they are told of when the load ended in the middle of them, too; and days that it left alone are not.
    """
    context = get_current_context()
    days = open_warehouse().days_of(**_of_run(context))
    if not days:  # or the asset would have an event
        raise AirflowSkipException("The warehouse has no day from this run.")
    context["outlet_events"][FLIGHTS].extra["days"] = [*days]
    return days


@task
def all_days(report: list[dict[str, Any]]) -> None:
    """Fail the run that could not load some of its days, when the others are loaded."""
    if any("failure" in entry for entry in report):
        raise AirflowFailException(f"The other days are loaded. {_told(report)}")


def _place_of(context: Any, files: list[dict[str, Any]], tables: dict[str, str]) -> str:
    run = _of_run(context)
    key = json.dumps([run["dag_id"], run["run_id"], files, tables], sort_keys=True)
    return f"{run['dag_id']}/{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _of_run(context: Any) -> dict[str, str]:
    return {"dag_id": context["ti"].dag_id, "run_id": context["run_id"]}


def _told(report: list[dict[str, Any]]) -> str:
    failures = [entry["failure"] for entry in report if "failure" in entry]
    return (
        f"{len(failures)} of {len(report)} days could not be loaded and are as they were:\n"
        + "\n".join(failures)
        + "\nWhen the cause is gone, clear transform with what comes after it; where a file, or a table to "
        "join with, was uploaded again or deleted, clear plan with what comes after it, which lists them."
    )


def open_warehouse() -> Warehouse | PostgresWarehouse:
    """The warehouse that the worker's environment names.

    Raises:
        AirflowFailException: it names no file: what is in memory would be gone with the task, and the address
            of a server may hold its password.
    """
    if conn_id := os.environ.get(WAREHOUSE_CONN_ID):
        return PostgresWarehouse(conn_id)
    path = os.environ.get(WAREHOUSE, "flights.duckdb")
    if ":" in path.partition("/")[0]:
        raise AirflowFailException(
            f"{WAREHOUSE} is no path of a file. Write one that all workers share, such as "
            f"/data/flights.duckdb; for PostgreSQL set {WAREHOUSE_CONN_ID} to the id of a connection instead."
        )
    return Warehouse(Path(path).expanduser())


def _fetch(storage: Any, place: BlobRef, folder: Path, sources: list[RawFile], tables: dict[str, str]) -> Day:
    """What a job has made of a day's files, brought into a folder.

    Raises:
        NotMadeError: it has not made all of it.
    """
    from azure.core.exceptions import ResourceNotFoundError

    day = sources[0].day
    with storage.container_client(place.container) as container:
        for file in DAY_OUTPUTS:
            with (folder / file).open("wb") as to:
                try:
                    container.download_blob((place / file).name).readinto(to)
                except ResourceNotFoundError:
                    raise NotMadeError(
                        f"{day} was not made: there is no {place / file}. See the log of the task transform; "
                        "if that did well, what it staged was deleted since then: clear it too."
                    ) from None
    with storage.container_client(RAW) as container:
        changed = not_as_listed(container, sources, tables)
    report = json.loads((folder / "report.json").read_text())
    named = {source.name: source for source in sources if source.origin}  # others are markers, if empty
    blank = [named[name] for name in report.get("blank", ()) if name in named]
    bad = {each["file"]: each["why"] for each in report.get("without_good", ())}
    without_good = {source: bad[name] for name, source in named.items() if name in bad}
    return Day(
        day,
        folder / "flights.parquet",
        folder / "quarantine.parquet",
        raw=report["raw"],
        good=report["good"],
        quarantined=report["quarantined"],
        sources=sources,
        blank=blank,
        without_good=without_good,
        changed=changed,
        unknown=report.get("unknown", {}),
    )


def _publish(storage: Any, day: Day) -> None:
    """One blob a partition: storage shows the old one until the new one is whole."""
    from azure.core.exceptions import ResourceNotFoundError

    with storage.container_client(CURATED) as container:
        for table, file in (("flights", day.flights), ("quarantine", day.quarantine)):
            blob = f"{table}/flight_date={day.day}/{table}.parquet"
            if file:
                with file.open("rb") as data:
                    container.upload_blob(blob, data, overwrite=True)
            else:
                with suppress(ResourceNotFoundError):
                    container.delete_blob(blob)
