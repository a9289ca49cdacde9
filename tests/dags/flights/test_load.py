"""The Airflow tasks `plan` and `load`, called with a context: what they tell of days that they leave."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from flights import pipeline
from flights.files import RawFile, list_raw
from flights.warehouse import Warehouse

from demo.stack.accounts import StorageAccount
from tests.dags.flights.warehouses import files

pytestmark = pytest.mark.slow

FIRST, SECOND = "2013-05-01", "2013-05-02"


@pytest.fixture
def service(
    azurite: StorageAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BlobServiceClient]:
    """Storage that the connection names, with a lake that is this test's own; and a DuckDB warehouse."""
    connection = {
        "conn_type": "azurebatch",
        "host": "http://127.0.0.1:1",  # no Batch account is asked for anything
        "login": "nobody",
        "password": "bm9uZQ==",
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(connection))
    monkeypatch.setenv(pipeline.WAREHOUSE, str(tmp_path / "w.duckdb"))
    monkeypatch.setattr(pipeline, "CURATED", f"curated-{uuid.uuid4().hex[:12]}")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for container in ("staging", "raw", pipeline.CURATED):
            if not service.get_container_client(container).exists():
                service.create_container(container)
        yield service


def test_the_asset_tells_of_the_days_that_were_loaded_and_of_no_other(
    service: BlobServiceClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: Any = defaultdict(lambda: SimpleNamespace(extra={}))
    context = {
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: "place"),
        "run_id": "r",
        "outlet_events": events,
    }
    monkeypatch.setattr(pipeline, "get_current_context", lambda: context)
    sources, warehouse = [], Warehouse(tmp_path / "w.duckdb")
    for day in (FIRST, SECOND):
        made = files(tmp_path / day, 5, 2, day)
        made.flights.with_name("report.json").write_text(json.dumps({"raw": 7, "good": 5, "quarantined": 2}))
        for file in made.flights.parent.iterdir():
            service.get_blob_client("staging", f"place/{day}/{file.name}").upload_blob(
                file.read_bytes(), overwrite=True
            )
        sources += made.sources

    def another_run_loads(day: str) -> None:
        made = files(tmp_path / "other", 1, 0, day)
        later = [replace(made.sources[0], listed="2014-01-01T00:00:00+00:00")]
        warehouse.load(replace(made, sources=later), lambda: None, job_id="j", run_id="other")

    def load() -> Any:
        return pipeline.load.function([source.__dict__ for source in sources], {"job_id": "j"})

    another_run_loads(FIRST)
    assert [entry["loaded"] for entry in load()] == [False, True]
    assert events[pipeline.FLIGHTS].extra == {"days": [SECOND]}

    events.clear()
    another_run_loads(SECOND)
    with pytest.raises(pipeline.AirflowSkipException, match="Nothing was loaded"):  # so there is no event
        load()
    assert not events


def test_a_listing_carries_the_time_of_the_storage_service(service: BlobServiceClient) -> None:
    name = f"flights/{FIRST}/EWR.csv"
    # A container of its own: other tests land files of the same day.
    with service.create_container(f"raw-{uuid.uuid4().hex}") as container:
        container.upload_blob(name, b"x")
        (found,) = (RawFile(**file) for file in list_raw(container, [FIRST]))

    assert found.name == name
    listed = datetime.fromisoformat(found.listed)
    assert listed >= datetime.fromisoformat(found.written)
    assert abs((datetime.now(timezone.utc) - listed).total_seconds()) < 60
