"""A listed container in an Airflow whose triggerer is killed: each blob is announced, and taken, once."""

from __future__ import annotations

from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from airflow_batch_provider.client.blobs.blob_watermark import Watermark
from demo.stack import LocalStack
from tests.e2e.crashing import kill_component
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAG_ID, ASSET = "listed", "listed_files"
SECONDS = 120.0


def test_the_watermark_survives_a_killed_triggerer(stack: LocalStack) -> None:
    _upload(stack, "1", "2")
    wait_until(stack, "the first blobs are taken", lambda: _taken(stack) == ["1", "2"], SECONDS)
    wait_until(stack, "the watermark is stored", lambda: len(_known(stack)) == 2, SECONDS)

    kill_component(stack, "triggerer")
    _upload(stack, "3")
    stack.restart("triggerer")
    wait_until(stack, "what came meanwhile is taken", lambda: _taken(stack) == ["1", "2", "3"], SECONDS)
    _upload(stack, "2", "4")  # the one is another version of it
    wait_until(stack, "later ones are taken", lambda: len(_taken(stack)) == 5, SECONDS)

    assert _taken(stack) == _announced(stack) == ["1", "2", "2", "3", "4"]


def _upload(stack: LocalStack, *names: str) -> None:
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        for name in names:
            service.get_blob_client("elsewhere", f"listed/{name}").upload_blob(b"x", overwrite=True)


def _taken(stack: LocalStack) -> list[str]:
    taken: list[dict[str, Any]] = []
    for run in stack.airflow.dag_runs(DAG_ID):
        taken += stack.airflow.xcom(DAG_ID, run.run_id, "new_files") or []
    return _names(taken)


def _announced(stack: LocalStack) -> list[str]:
    found = stack.airflow.call("GET", "/assets/events", params={"asset_id": _asset(stack), "limit": 100})
    events = found["asset_events"]
    return _names([blob for event in events for blob in event["extra"]["payload"]["blobs"]])


def _known(stack: LocalStack) -> dict[str, int]:
    """The blob versions in the watermark, as anybody can see it in the state of the asset."""
    found = stack.airflow.call("GET", f"/assets/{_asset(stack)}/state-store")
    return {
        mark: second
        for entry in found["asset_state_store"]
        for mark, second in Watermark.from_plain(entry["value"]).known.items()
    }


def _asset(stack: LocalStack) -> int:
    found = stack.airflow.call("GET", "/assets", params={"name_pattern": ASSET})
    (asset,) = (each for each in found["assets"] if each["name"] == ASSET)
    return int(asset["id"])


def _names(blobs: list[dict[str, Any]]) -> list[str]:
    return sorted(blob["name"].removeprefix("listed/") for blob in blobs)
