"""Custom activities of Data Factory: whatever happens, one task, and no definition is left in storage."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from airflow_batch_provider.operators.custom_activity import AzureBatchCustomActivityOperator
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import (
    FAULTS,
    die_after_every_step,
    disturb_every_request,
    disturb_every_storage_request,
)

pytestmark = pytest.mark.slow

WAREHOUSE = {"name": "W", "properties": {"typeProperties": {"connectionString": "Password=topsecret"}}}


@pytest.fixture
def airflow(service: Service, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    return Airflow(service, monkeypatch, azurite)


def activity(
    service: Service, airflow: Airflow, azurite: StorageAccount, deferrable: bool
) -> Callable[[str, Deaths], None]:
    """Gives what plays an activity whose definition holds a secret."""
    blobs = BlobServiceClient.from_connection_string(azurite.connection_string)

    def once(trouble: str, deaths: Deaths) -> None:
        jobs, container = service.done["create_job"], f"activities-{uuid.uuid4().hex[:12]}"

        def make() -> Any:
            properties = {"command": "late", "referenceObjects": {"linkedServices": [{"referenceName": "W"}]}}
            return AzureBatchCustomActivityOperator(
                task_id="activity",
                activity={"name": "Score", "type": "Custom", "typeProperties": properties},
                linked_services=[WAREHOUSE],
                pool_id=POOL,
                work_container=container,
                deferrable=deferrable,
                poll_interval=0.01,
                log_tasks=False,
                retries=TRIES,
            )

        made = airflow.play(make, DagRun(f"{uuid.uuid4().hex}-{trouble}", deaths))
        assert service.done["create_job"] == jobs + 1
        assert list(service.starts_in(made["job_id"]).values()) == [1]
        assert list(blobs.get_container_client(container).list_blob_names()) == []

    return once


@pytest.mark.parametrize("deferrable", [True, False])
def test_whoever_is_killed_at_any_step_the_activity_is_one_task_and_leaves_no_definition(
    service: Service, airflow: Airflow, azurite: StorageAccount, deferrable: bool
) -> None:
    assert die_after_every_step(activity(service, airflow, azurite, deferrable)) > 15


@pytest.mark.parametrize(("kind", "deferrable"), list(zip(FAULTS, (True, False), strict=True)))
def test_whichever_request_is_disturbed_the_activity_is_one_task_and_leaves_no_definition(
    service: Service, airflow: Airflow, azurite: StorageAccount, kind: str, deferrable: bool
) -> None:
    assert disturb_every_request(service, kind, activity(service, airflow, azurite, deferrable)) > 6


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_request_to_storage_is_disturbed_the_activity_is_one_task_and_leaves_no_definition(
    service: Service, airflow: Airflow, azurite: StorageAccount, kind: str
) -> None:
    assert disturb_every_storage_request(airflow, kind, activity(service, airflow, azurite, False)) > 6
