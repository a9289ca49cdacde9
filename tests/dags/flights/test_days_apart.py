"""The Batch job of the DAG on a real emulator: what is wrong with one day's files keeps no other day."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from azure.storage.blob import BlobServiceClient, StandardBlobTier
from flights import pipeline
from flights.files import list_raw
from flights.package import APPLICATION_ID, build_package

from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from demo.flights import land, land_reference, raw_files
from demo.reckoning import rows_of
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.airflow_batch_provider.conftest import batch, connection, emulator, pool, process_of_airflow
from tests.dags.flights.warehouses import DuckTables

pytestmark = pytest.mark.slow
__all__ = ["batch", "connection", "emulator", "pool", "process_of_airflow"]  # fixtures

SPOILT, LOST = "2013-05-01", "2013-05-02"
PLACE = "days/apart"


@dataclass
class Instance:
    """A task instance as the tasks look at it."""

    task_id: str
    given: dict[tuple[str, str], Any] = field(default_factory=dict)
    pushed: dict[str, Any] = field(default_factory=dict)
    dag_id, run_id, map_index, max_tries = "flights", "run", -1, 0

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.given.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def test_spoilt_files_are_set_aside_and_a_day_that_cannot_be_made_is_named_when_the_other_is_loaded(
    connection: None,
    azurite: StorageAccount,
    pool: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(pipeline.WAREHOUSE, str(tmp_path / "w.duckdb"))
    right = raw_files([SPOILT, LOST])
    unreadable, misnamed = f"flights/{SPOILT}/LGA.csv", f"flights/{SPOILT}/J FK#1%20.CSV"
    sent: dict[str, str | bytes] = {
        **right,
        unreadable: right[unreadable].replace("N3", "\xe9", 1).encode("latin-1"),
        misnamed: right[unreadable],
    }
    archived = sent.pop(f"flights/{LOST}/EWR.csv")  # what no task can read, until it is brought back
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for name in ("raw", "staging", "curated"):
            if not service.get_container_client(name).exists():
                service.create_container(name)
        land_reference(azurite)
        land(azurite, sent)
        container = service.get_container_client("raw")
        tier = StandardBlobTier.ARCHIVE
        container.upload_blob(f"flights/{LOST}/EWR.csv", archived, standard_blob_tier=tier)
        files = list_raw(container, [SPOILT, LOST])
    package = AzureBatchApplicationPackageOperator(
        task_id="package", application_id=APPLICATION_ID, build=build_package
    )
    version = package.execute({})["version"]  # type: ignore[typeddict-item]
    with DAG("flights", schedule=None) as dag:
        pipeline.flights_pipeline([SPOILT, LOST])
    job: Any = dag.task_dict["transform"]
    job.pool_id, job.deferrable, job.poll_interval = pool, False, 0.3
    job.graph_kwargs = {"files": files, "place": PLACE, "version": version}

    transform = Instance("transform")
    with pytest.raises(BatchJobFailedError, match=f"transform-{LOST}-EWR"):
        job.execute({"ti": transform, "run_id": "run"})

    load = Instance(
        "load", {("place", "return_value"): PLACE, ("transform", "failure"): transform.pushed["failure"]}
    )
    context: Any = {"ti": load, "run_id": "run"}
    monkeypatch.setattr(pipeline, "get_current_context", lambda: context)
    done, lost = pipeline.load.function(files, None)
    header = right[unreadable].splitlines()[0]
    rows = {name: rows_of(content, header) for name, content in sent.items() if SPOILT in name}
    assert (done["day"], done["loaded"]) == (SPOILT, True)
    assert (lost["day"], lost["loaded"]) == (LOST, False)
    assert lost["failure"].startswith(f"{LOST} was not made: there is no staging/{PLACE}/{LOST}/")
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
