"""The Batch job of the DAG on a real emulator: what is wrong with one day's files keeps no other day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from azure.storage.blob import BlobServiceClient, ContainerClient, StandardBlobTier
from flights import pipeline
from flights.files import list_raw, list_tables
from flights.package import APPLICATION_ID, build_package

from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from demo.flights import land, land_reference, raw_files, reference_table
from demo.reckoning import rows_of
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.airflow_batch_provider.conftest import batch, connection, emulator, pool, process_of_airflow
from tests.dags.flights.warehouses import DuckTables

pytestmark = pytest.mark.slow
__all__ = ["batch", "connection", "emulator", "pool", "process_of_airflow"]  # fixtures

SPOILT, LOST, SENT_AGAIN, OVERWRITTEN = "2013-05-01", "2013-05-02", "2013-05-03", "2013-05-04"


@dataclass
class Instance:
    """A task instance as the tasks look at it."""

    task_id: str
    given: dict[tuple[str, str], Any] = field(default_factory=dict)
    run_id: str = "run"
    pushed: dict[str, Any] = field(default_factory=dict)
    dag_id, map_index, max_tries = "flights", -1, 0

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.given.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def raw(
    connection: None, azurite: StorageAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ContainerClient]:
    """The container of raw files; and a DuckDB warehouse."""
    monkeypatch.setenv(pipeline.WAREHOUSE, str(tmp_path / "w.duckdb"))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for name in ("raw", "staging", "curated"):
            if not service.get_container_client(name).exists():
                service.create_container(name)
        land_reference(azurite)
        yield service.get_container_client("raw")


@dataclass
class Pipeline:
    """Runs the DAG's tasks that do the work, one after the other."""

    raw: ContainerClient
    pool: str
    patch: pytest.MonkeyPatch

    def __call__(
        self,
        place: str,
        *days: str,
        fails: str | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[dict[str, Any]]:
        """The report of some days.

        Parameters:
            place: where they are staged.
            fails: is in the error of the job, if that fails.
            meanwhile: what happens after the plan and before the job.
        """
        files, tables = list_raw(self.raw, days), list_tables(self.raw)
        meanwhile()
        package = AzureBatchApplicationPackageOperator(
            task_id="package", application_id=APPLICATION_ID, build=build_package
        )
        version = package.execute({})["version"]  # type: ignore[typeddict-item]
        with DAG("flights", schedule=None) as dag:
            pipeline.flights_pipeline([*days])
        job: Any = dag.task_dict["transform"]
        job.pool_id, job.deferrable, job.poll_interval = self.pool, False, 0.3
        job.graph_kwargs = {"files": files, "place": place, "version": version}
        transform = Instance("transform", run_id=place)
        done = None
        if fails:
            with pytest.raises(BatchJobFailedError, match=fails):
                job.execute({"ti": transform, "run_id": place})
        else:
            done = job.execute({"ti": transform, "run_id": place})
        failure = transform.pushed.get("failure")
        load = Instance(
            "load", {("place", "return_value"): place, ("transform", "failure"): failure}, run_id=place
        )
        context: Any = {"ti": load, "run_id": place}
        self.patch.setattr(pipeline, "get_current_context", lambda: context)
        self.patch.setattr(pipeline, "_place_of", lambda context, files, tables: place)
        report: list[dict[str, Any]] = pipeline.load.function(files, tables, done)
        return report


@pytest.fixture
def run(raw: ContainerClient, pool: str, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    return Pipeline(raw, pool, monkeypatch)


def test_spoilt_files_are_set_aside_and_a_day_that_cannot_be_made_is_named_when_the_other_is_loaded(
    azurite: StorageAccount, raw: ContainerClient, run: Pipeline, tmp_path: Path
) -> None:
    right = raw_files([SPOILT, LOST])
    unreadable, misnamed = f"flights/{SPOILT}/LGA.csv", f"flights/{SPOILT}/J FK#1%20.CSV"
    sent: dict[str, str | bytes] = {
        **right,
        unreadable: right[unreadable].replace("N3", "\xe9", 1).encode("latin-1"),
        misnamed: right[unreadable],
    }
    archived = sent.pop(f"flights/{LOST}/EWR.csv")  # what no task can read, until it is brought back
    land(azurite, sent)
    raw.upload_blob(f"flights/{LOST}/EWR.csv", archived, standard_blob_tier=StandardBlobTier.ARCHIVE)

    done, lost = run("days/apart", SPOILT, LOST, fails=f"transform-{LOST}-EWR")

    header = right[unreadable].splitlines()[0]
    rows = {name: rows_of(content, header) for name, content in sent.items() if SPOILT in name}
    assert (done["day"], done["loaded"]) == (SPOILT, True)
    assert (lost["day"], lost["loaded"]) == (LOST, False)
    assert lost["failure"].startswith(f"{LOST} was not made: there is no staging/days/apart/{LOST}/")
    tables = DuckTables(tmp_path / "w.duckdb")
    assert tables.ask("select raw from loads") == [(sum(rows.values()),)]
    assert tables.ask("select origin, count(*) from flights group by 1 order by 1") == [
        (origin, rows[f"flights/{SPOILT}/{origin}.csv"]) for origin in ("EWR", "JFK")
    ]
    assert tables.ask("select file, reasons, count(*) from quarantine group by all order by file") == [
        (misnamed, ["the name of the file is not <airport>.csv, such as JFK.csv"], rows[misnamed]),
        (unreadable, ["the file is no text in UTF-8"], rows[unreadable]),
    ]

    with pytest.raises(AirflowFailException, match=f"1 of 2 days could not be loaded.*\n{LOST} was not made"):
        pipeline.all_days.function([done, lost])


def test_an_upload_without_a_good_row_takes_none_away(
    azurite: StorageAccount, raw: ContainerClient, run: Pipeline, tmp_path: Path
) -> None:
    right = raw_files([SENT_AGAIN])
    ewr, jfk, lga = sorted(right)
    header, *rows = right[ewr].splitlines()
    tables = DuckTables(tmp_path / "w.duckdb")

    def there() -> list[tuple[Any, ...]]:
        return tables.ask("select origin, count(*) from flights group by 1 order by 1")

    land(azurite, {**right, lga: f"{header}\n"})  # an airport that was closed
    (first,) = run("again/first", SENT_AGAIN)
    assert (first["loaded"], first["without_good"]) == (True, {lga: "a header and no rows"})
    whole = there()
    assert whole[0] == ("EWR", len(rows))
    assert [origin for origin, _ in whole] == ["EWR", "JFK"]

    for number, (content, told) in enumerate(
        {
            "": f"there is nothing in {ewr}, not even a header",
            f"{header}\n": f"{ewr} holds a header and no rows; but the warehouse has {len(rows)} good rows",
            right[
                jfk
            ]: rf"{ewr} holds \d+ row.s., all to be set aside, the first one as the row is of another",
        }.items()
    ):
        land(azurite, {ewr: content})
        with pytest.raises(AirflowFailException, match=told):
            run(f"again/{number}", SENT_AGAIN)
        assert there() == whole
        assert tables.ask("select count(*) from quarantine") == [(0,)]

    land(azurite, {ewr: "\n".join([header, *rows[:9], rows[9][:30]])})  # cut short: that cannot be known
    raw.delete_blob(jfk)
    (cut,) = run("again/cut", SENT_AGAIN)
    assert (cut["loaded"], cut["quarantined"]) == (True, 1)
    assert cut["fewer"] == {
        "EWR": {"before": len(rows), "now": 9},
        "JFK": {"before": whole[1][1], "now": 0},
    }
    assert there() == [("EWR", 9)]


def test_what_is_overwritten_between_plan_and_node_is_not_taken_for_the_version_of_the_plan(
    azurite: StorageAccount, raw: ContainerClient, run: Pipeline, tmp_path: Path
) -> None:
    right, jfk = raw_files([OVERWRITTEN]), f"flights/{OVERWRITTEN}/JFK.csv"
    short = "".join(right[jfk].splitlines(keepends=True)[:101])
    tables = DuckTables(tmp_path / "w.duckdb")
    land(azurite, right)

    with pytest.raises(AirflowFailException, match=rf"{jfk} was uploaded again, or .* Clear plan with"):
        run("overwritten/file", OVERWRITTEN, meanwhile=lambda: land(azurite, {jfk: short}))
    planes = {"reference/planes.csv": reference_table("planes")}
    with pytest.raises(AirflowFailException, match=r"reference/planes\.csv was uploaded again, or deleted"):
        run("overwritten/table", OVERWRITTEN, meanwhile=lambda: land(azurite, planes))
    assert not tables.ask("from duckdb_tables()")

    run("overwritten/again", OVERWRITTEN)
    assert tables.ask("select count(*) from flights where origin = 'JFK'") == [(100,)]
    version = raw.get_blob_client(jfk).get_blob_properties().etag.strip('"')
    assert tables.ask("select unnest(sources::varchar[][]) from loads")[1] == ([jfk, version],)
