"""The first task of a DAG that blobs start."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset

from airflow_batch_provider.client.blob_events import BLOB_CREATED, BlobEvent
from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from demo.stack.accounts import StorageAccount

INCOMING = Asset("incoming")
NOW = datetime.now(timezone.utc)


@dataclass
class RecordedEvent:
    """What Airflow hands out of its asset events."""

    extra: dict[str, Any]
    timestamp: datetime = field(default_factory=lambda: NOW)


def event_of(*names: str, age: timedelta = timedelta(0)) -> RecordedEvent:
    blobs = [
        BlobEvent(
            f"id-{name}",
            BLOB_CREATED,
            f"http://s/incoming/{name}",
            "incoming",
            name,
            "0x1",
            3,
            "",
            NOW.isoformat(),
            "",
            "",
        ).to_payload()
        for name in names
    ]
    return RecordedEvent({"from_trigger": True, "payload": {"blobs": blobs}}, NOW - age)


def context_of(*events: RecordedEvent, run: str = "run-1") -> Any:
    return {
        "dag": SimpleNamespace(dag_id="ingest"),
        "run_id": run,
        "inlet_events": {INCOMING: list(events)},
    }


@pytest.fixture
def claim(azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> AzureBlobClaimOperator:
    connection = {
        "conn_type": "azurebatch",
        "host": "http://127.0.0.1:1",
        "login": "account",
        "password": "a2V5",
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", json.dumps(connection))
    return AzureBlobClaimOperator(
        task_id="new_blobs", asset=INCOMING, receipts_container=f"receipts-{uuid.uuid4().hex[:12]}"
    )


@pytest.mark.slow
def test_it_takes_what_all_events_announced_not_only_the_one_that_started_the_run(
    claim: AzureBlobClaimOperator,
) -> None:
    taken = claim.execute(context_of(event_of("a"), event_of("b", "c")))

    assert [blob["name"] for blob in taken] == ["a", "b", "c"]
    assert taken[0]["url"] == "http://s/incoming/a"
    json.dumps(taken)


@pytest.mark.slow
def test_another_run_takes_nothing_twice_and_a_retry_the_same_again(claim: AzureBlobClaimOperator) -> None:
    claim.execute(context_of(event_of("a")))

    assert claim.execute(context_of(event_of("a"), run="run-2")) == []
    assert [blob["name"] for blob in claim.execute(context_of(event_of("a")))] == ["a"]


@pytest.mark.slow
def test_events_before_the_lookback_are_left_alone(claim: AzureBlobClaimOperator) -> None:
    assert claim.execute(context_of(event_of("old", age=timedelta(days=2)))) == []


@pytest.mark.slow
def test_events_of_others_than_the_trigger_are_no_harm(claim: AzureBlobClaimOperator) -> None:
    assert claim.execute(context_of(RecordedEvent({}), RecordedEvent({"payload": "text"}))) == []


def test_blobs_named_by_hand_are_taken_without_asking_storage() -> None:
    operator = AzureBlobClaimOperator(
        task_id="new_blobs", asset=INCOMING, blobs=["https://acct.blob.core.windows.net/in/a.mp4?sig=secret"]
    )

    [blob] = operator.execute(context_of())

    assert (blob["container"], blob["name"]) == ("in", "a.mp4")
    assert "secret" not in json.dumps(blob)


def test_a_lookback_of_nothing_is_refused_at_parse() -> None:
    with pytest.raises(ValueError, match="lookback"):
        AzureBlobClaimOperator(task_id="x", asset=INCOMING, lookback=timedelta(0))
