"""The Airflow tasks `plan` and `load`, called with a context: what they tell of days that they leave."""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from flights import pipeline
from flights.files import RawFile, list_raw
from flights.warehouse import Day, QualityError, Warehouse

from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AirflowFailException
from tests.connections import connection_to
from tests.dags.flights.warehouses import DuckTables, files

pytestmark = pytest.mark.slow

FIRST, SECOND = "2013-05-01", "2013-05-02"


@pytest.fixture
def service(
    azurite: StorageAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BlobServiceClient]:
    """Storage that the connection names, with a lake that is this test's own; and a DuckDB warehouse."""
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(azurite))
    monkeypatch.setenv(pipeline.WAREHOUSE, str(tmp_path / "w.duckdb"))
    monkeypatch.setattr(pipeline, "CURATED", f"curated-{uuid.uuid4().hex[:12]}")
    monkeypatch.setattr(pipeline, "RAW", f"raw-{uuid.uuid4().hex[:12]}")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for container in ("staging", pipeline.RAW, pipeline.CURATED):
            if not service.get_container_client(container).exists():
                service.create_container(container)
        yield service


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The asset events of a run, which stages its days at one place."""
    events: Any = defaultdict(lambda: SimpleNamespace(extra={}))
    context = {
        "ti": SimpleNamespace(dag_id="d", xcom_pull=lambda task_ids: "place"),
        "run_id": "r",
        "outlet_events": events,
    }
    monkeypatch.setattr(pipeline, "get_current_context", lambda: context)
    monkeypatch.setattr(pipeline, "_place_of", lambda context, files, tables: "place")
    return events


def stage(
    service: BlobServiceClient, folder: Path, *days: str, rows: int = 7, **told: list[Any]
) -> list[dict[str, Any]]:
    """Leave days as a job would, and give the plan; `told` is in the report of each day too."""
    sources: list[RawFile] = []
    for day in days:
        made = files(folder / day, 5, 2, day)
        report = {"raw": rows, "good": 5, "quarantined": 2, **told}
        (folder / day / "report.json").write_text(json.dumps(report))
        for file in (folder / day).iterdir():
            blob = service.get_blob_client("staging", f"place/{day}/{file.name}")
            blob.upload_blob(file.read_bytes(), overwrite=True)
        raw = service.get_blob_client(pipeline.RAW, made.sources[0].name)
        if not raw.exists():
            raw.upload_blob(b"")
        sources.append(replace(made.sources[0], etag=raw.get_blob_properties().etag.strip('"')))
    return [asdict(source) for source in sources]


def load(plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    report: list[dict[str, Any]] = pipeline.load.function(plan, {}, {"job_id": "j"})
    return report


def test_the_asset_tells_of_the_days_that_were_loaded_and_of_no_other(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    plan = stage(service, tmp_path, FIRST, SECOND)
    warehouse = Warehouse(tmp_path / "w.duckdb")

    def another_run_loads(day: str) -> None:
        made = files(tmp_path / "other", 1, 0, day)
        later = [replace(made.sources[0], listed="2014-01-01T00:00:00+00:00")]
        warehouse.load(replace(made, sources=later), lambda: None, job_id="j", dag_id="d", run_id="other")

    another_run_loads(FIRST)
    assert [entry["loaded"] for entry in load(plan)] == [False, True]
    assert pipeline.announce.function() == [SECOND]
    assert events[pipeline.FLIGHTS].extra == {"days": [SECOND]}

    events.clear()
    another_run_loads(SECOND)
    assert [entry["loaded"] for entry in load(plan)] == [False, False]
    with pytest.raises(pipeline.AirflowSkipException, match="no day from this run"):  # so there is no event
        pipeline.announce.function()
    assert not events


def test_a_day_whose_counts_are_wrong_keeps_no_other_one_and_is_named_in_the_end(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    plan = stage(service, tmp_path, FIRST, rows=8) + stage(service, tmp_path, SECOND)

    report = load(plan)

    wrong = f"Day {FIRST}: 8 raw rows, but 5 would be loaded and 2 set aside. The day is left as it was."
    assert report[0] == {"day": FIRST, "loaded": False, "failure": wrong}
    assert (report[1]["day"], report[1]["loaded"]) == (SECOND, True)
    assert pipeline.announce.function() == [SECOND]
    with pytest.raises(AirflowFailException, match=re.escape(wrong)):
        pipeline.all_days.function(report)
    with pytest.raises(AirflowFailException, match=re.escape(wrong)):  # there is nothing to go on with
        load(plan[:1])


def test_an_empty_file_keeps_its_day_as_it_was_and_is_named(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    empty = f"flights/{FIRST}/EWR.csv"
    marker = f"flights/{SECOND}/_SUCCESS"  # in which nothing is ever
    plan = stage(service, tmp_path, FIRST, blank=[empty]) + stage(service, tmp_path, SECOND, blank=[marker])

    report = load(plan)

    assert (report[0]["loaded"], report[1]["loaded"]) == (False, True)
    assert report[0]["failure"].startswith(f"Day {FIRST}: there is nothing in {empty}, not even a header")
    tables = DuckTables(tmp_path / "w.duckdb")
    assert tables.ask("select flight_date::varchar from loads") == [(SECOND,)]
    with pytest.raises(AirflowFailException, match=rf"there is nothing in {empty}.*\n.*clear plan"):
        pipeline.all_days.function(report)

    # When the whole file is loaded, a slow run that has found the empty one has nothing to tell.
    later = [file | {"listed": "2014-01-01T00:00:00+00:00"} for file in stage(service, tmp_path, FIRST)]
    assert load(later)[0]["loaded"]
    (slow,) = load(stage(service, tmp_path, FIRST, blank=[empty]))
    assert (slow["loaded"], "failure" in slow) == (False, False)


def test_a_file_without_a_good_row_is_told_of_and_takes_none_away(
    service: BlobServiceClient, tmp_path: Path, events: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bad = f"flights/{FIRST}/EWR.csv"
    told = [{"file": bad, "why": "a header and no rows"}]
    (first,) = load(stage(service, tmp_path, FIRST, without_good=told))
    assert (first["loaded"], first["without_good"]) == (True, {bad: "a header and no rows"})
    assert f"There is no good row in {bad}, but a header and no rows" in caplog.text

    with pytest.raises(AirflowFailException, match=f"{bad} holds a header and no rows; but .* has 5 good"):
        load(stage(service, tmp_path, FIRST, without_good=told))


@pytest.mark.parametrize("then", ["uploaded", "deleted"])
def test_a_day_with_a_file_that_was_uploaded_again_or_deleted_meanwhile_is_named_and_not_loaded(
    service: BlobServiceClient, tmp_path: Path, events: Any, then: str
) -> None:
    plan = stage(service, tmp_path, FIRST, SECOND)
    changed = service.get_blob_client(pipeline.RAW, f"flights/{FIRST}/EWR.csv")
    changed.delete_blob()
    if then == "uploaded":
        changed.upload_blob(b"another version")

    report = load(plan)

    assert [entry["loaded"] for entry in report] == [False, True]
    told = f"Day {FIRST}: {changed.blob_name} was uploaded again, or deleted, after it was listed"
    assert report[0]["failure"].startswith(told)
    assert pipeline.announce.function() == [SECOND]

    # When its new version is loaded, a slow run that has listed the old one has nothing to tell.
    later = [file | {"listed": "2014-01-01T00:00:00+00:00"} for file in stage(service, tmp_path, FIRST)]
    assert load(later)[0]["loaded"]
    (slow,) = load(plan[:1])
    assert (slow["loaded"], "failure" in slow) == (False, False)


@pytest.mark.parametrize(("unknown", "loaded"), [(340, True), (361, False)])
def test_a_day_whose_planes_are_hardly_known_is_not_loaded(
    tmp_path: Path, unknown: int, loaded: bool
) -> None:
    day = replace(files(tmp_path / "day", 900, 0), unknown={"airlines": 0, "planes": unknown})
    warehouse = Warehouse(tmp_path / "w.duckdb")

    def load() -> bool:
        return warehouse.load(day, lambda: None, job_id="j", dag_id="d", run_id="r").loaded

    if loaded:
        assert load()
    else:
        told = r"raw/reference/planes\.csv does not know what 361 of 900 rows name, and at most 40%"
        with pytest.raises(QualityError, match=told):
            load()


def test_a_withdrawal_from_a_warehouse_that_is_not_there_says_where_it_looked(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    with pytest.raises(AirflowFailException, match=rf"{tmp_path}/w\.duckdb.*FLIGHTS_WAREHOUSE, the path"):
        pipeline.empty.function([FIRST])
    assert not (tmp_path / "w.duckdb").exists()


def test_a_plan_that_was_made_again_alone_is_not_taken_for_that_of_what_is_staged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = [asdict(RawFile(f"flights/{FIRST}/EWR.csv", "0x1", "", ""))]
    ti = SimpleNamespace(dag_id="d", xcom_pull=lambda task_ids: staged)
    monkeypatch.setattr(pipeline, "get_current_context", lambda: {"ti": ti, "run_id": "r"})
    staged = pipeline.place.function(plan, {})
    assert staged == pipeline.place.function(json.loads(json.dumps(plan)), {})
    with pytest.raises(AirflowFailException, match="Clear plan with what comes after it"):
        load([plan[0] | {"etag": "0x2"}])
    staged = pipeline.place.function(plan, {"reference/planes.csv": "0x1"})
    with pytest.raises(AirflowFailException, match="Clear plan with what comes after it"):
        load(plan)


def test_days_of_a_load_that_ended_in_the_middle_are_announced(
    service: BlobServiceClient, tmp_path: Path, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = stage(service, tmp_path, FIRST, SECOND)
    publish = pipeline._publish

    def storage_goes_away(storage: Any, day: Day) -> None:
        if day.day == SECOND:
            raise ConnectionError("no storage")
        publish(storage, day)

    monkeypatch.setattr(pipeline, "_publish", storage_goes_away)
    with pytest.raises(ConnectionError):
        load(plan)

    assert pipeline.announce.function() == [FIRST]


def test_a_plan_that_does_not_say_when_it_listed_is_earlier_than_any_that_does(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    plan = stage(service, tmp_path, FIRST)
    old = [{key: value for key, value in file.items() if key != "listed"} for file in plan]

    assert [load(made)[0]["loaded"] for made in (old, old, plan, old)] == [True, True, True, False]


def test_a_day_whose_files_were_all_withdrawn_is_emptied_when_asked_for(
    service: BlobServiceClient, tmp_path: Path, events: Any
) -> None:
    tables = DuckTables(tmp_path / "w.duckdb")
    lake = service.get_container_client(pipeline.CURATED)

    def there() -> tuple[list[Any], list[str]]:
        rows = tables.ask(
            "select l.flight_date::varchar, raw, (from flights f select count(*) where "
            "f.flight_date = l.flight_date) from loads l order by 1"
        )
        return rows, sorted(lake.list_blob_names())

    plan = stage(service, tmp_path, FIRST, SECOND)
    load(plan)
    before = there()
    raw, left = service.get_container_client(pipeline.RAW), f"flights/{FIRST}/EWR.csv"
    raw.delete_blob(f"flights/{SECOND}/EWR.csv")
    with pytest.raises(AirflowFailException, match=f"Nothing was emptied.*{left}"):
        pipeline.empty.function([FIRST, SECOND])
    assert there() == before
    raw.delete_blob(left)

    assert [entry["loaded"] for entry in pipeline.empty.function([FIRST])] == [True]
    assert pipeline.empty.function([FIRST])  # again is the same

    rows, partitions = there()
    assert rows == [(FIRST, 0, 0), (SECOND, 7, 5)]
    assert partitions == [
        f"{table}/flight_date={SECOND}/{table}.parquet" for table in ("flights", "quarantine")
    ]
    plan[1] = stage(service, tmp_path, SECOND)[0]
    assert [entry["loaded"] for entry in load(plan)] == [False, True]  # it was listed before
    again = stage(service, tmp_path, FIRST, SECOND)
    later = [file | {"listed": "2100-01-01T00:00:00+00:00"} for file in again]
    assert [entry["loaded"] for entry in load(later)] == [True, True]
    assert there() == before


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
