"""Functions on nodes, and who takes blobs: killed at every step, disturbed at every request."""

from __future__ import annotations

import json
import pickle
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timezone
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset
from azure.storage.blob import BlobServiceClient

from airflow_batch_provider.client.blobs.blob_events import BLOB_CREATED, BlobEvent
from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.exceptions import BatchFunctionError
from airflow_batch_provider.node.run_function import OUTCOME
from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from batch_emulator.service.effects import StartRun
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun, Instance
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import (
    FAULTS,
    die_after_every_step,
    disturb_every_request,
    disturb_every_storage_request,
)

pytestmark = pytest.mark.slow

Story = Callable[[str, Deaths], None]


def answer(_: Any = None) -> int:
    return 42


class Node:
    """Uploads what a function leaves; the function itself is not called."""

    def __init__(self, storage: StorageAccount) -> None:
        self._blobs = BlobServiceClient.from_connection_string(storage.connection_string)

    def __call__(self, run: StartRun) -> int:
        result = pickle.dumps(answer())
        told = {"state": "returned", "bytes": len(result), "serializer": "pickle", "python": "3"}
        for output in run.spec["outputFiles"]:
            place = output["destination"]["container"]
            container = str(place["containerUrl"]).partition("?")[0].rpartition("/")[2]
            data = json.dumps(told).encode() if output["filePattern"] == OUTCOME else result
            self._blobs.get_blob_client(container, place["path"]).upload_blob(data, overwrite=True)
        return 0


@pytest.fixture
def airflow(
    service: Service,
    azurite: StorageAccount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Airflow:
    """Airflow with a connection that names a storage account, of which nodes know too."""
    caplog.set_level("WARNING")
    monkeypatch.setattr(service.backend, "program", Node(azurite))
    return Airflow(service, monkeypatch, azurite)


def function(service: Service, airflow: Airflow, deferrable: bool, instances: int) -> Story:
    """Gives what plays a function, or all instances of a mapped one."""

    def make() -> Any:
        with DAG("crashes", schedule=None):
            made = azure_batch_task(
                pool_id=POOL, deferrable=deferrable, poll_interval=0.01, retries=TRIES, task_id="answer"
            )
            return made(answer)().operator

    def once(trouble: str, deaths: Deaths) -> None:
        jobs = service.done["create_job"]
        run = DagRun(f"{uuid.uuid4().hex}-{trouble}", deaths, mapped={"answer": instances})
        for map_index in range(instances) if instances > 1 else [-1]:
            assert airflow.play(make, run, map_index) == 42
        assert service.done["create_job"] == jobs + 1
        (job_id,) = service.of_run(run.run_id)
        starts = service.starts_in(job_id)
        assert len(starts) == instances
        assert set(starts.values()) == {1}
        assert service.client.get_job(job_id).state == "completed"

    return once


def test_the_job_ends_when_the_last_instances_end_at_once_and_one_has_failed_before_it_had_a_task(
    service: Service, airflow: Airflow
) -> None:
    def make() -> Any:
        with DAG("crashes", schedule=None):
            made = azure_batch_task(pool_id=POOL, poll_interval=0.01, task_id="answer")
            return made(answer)().operator

    run = DagRun(uuid.uuid4().hex, Deaths(), mapped={"answer": 3}, states={("answer", 0): "failed"})
    assert airflow.together(make, run, (1, 2)) == [42, 42]
    (job_id,) = service.of_run(run.run_id)
    assert len(service.starts_in(job_id)) == 2
    assert service.client.get_job(job_id).state == "completed"


def test_the_job_ends_when_the_last_instances_fail_at_once_before_they_have_a_task(
    service: Service, airflow: Airflow
) -> None:
    def make(*arguments: Any) -> Any:
        with DAG("crashes", schedule=None):
            made = azure_batch_task(pool_id=POOL, poll_interval=0.01, task_id="answer")
            return made(answer)(*arguments).operator

    run = DagRun(uuid.uuid4().hex, Deaths(), mapped={"answer": 3})
    assert airflow.play(make, run, 0) == 42
    (job_id,) = service.of_run(run.run_id)
    run.states.update({("answer", index): "running" for index in (1, 2)})
    for index, state in ((1, "active"), (2, "completed")):
        with pytest.raises(BatchFunctionError, match=r"argument .* is lock"):
            make(Lock()).execute(Instance(run, "answer", index).context())
        assert service.client.get_job(job_id).state == state
    assert airflow.play(make, run, 2) == 42
    assert len(service.of_run(run.run_id)) == 2


def claims(airflow: Airflow) -> Story:
    """Gives what plays runs that one after the other take announced blobs, two at most."""
    asset = Asset("incoming")
    now = datetime.now(timezone.utc)
    names = ["a", "b", "c"]

    def announced(name: str) -> Any:
        url, time = f"http://s/incoming/{name}", now.isoformat()
        event = BlobEvent(f"id-{name}", BLOB_CREATED, url, "incoming", name, "1", 3, "", time, "", "")
        return SimpleNamespace(extra={"payload": {"blobs": [event.to_payload()]}}, timestamp=now)

    def once(trouble: str, deaths: Deaths) -> None:
        container = f"receipts-{uuid.uuid4().hex}"

        def make() -> AzureBlobClaimOperator:
            return AzureBlobClaimOperator(
                task_id="claim", asset=asset, max_blobs=2, receipts_container=container
            )

        # By its event the one that leaves blobs starts the next run; here each is started anyway.
        outlets: dict[Any, Any] = defaultdict(lambda: SimpleNamespace(add=lambda *event, **more: None))
        events = {asset: [announced(name) for name in names]}
        given = {"inlet_events": events, "outlet_events": outlets}
        taken = [
            [blob["name"] for blob in airflow.play(make, DagRun(run_id, deaths, given=given))]
            for run_id in ("one", "two", "three")
        ]
        assert taken == [["a", "b"], ["c"], []]

    return once


@pytest.mark.parametrize(("instances", "deferrable"), [(2, True), (1, False)])
def test_whoever_is_killed_at_any_step_each_call_is_one_task(
    service: Service, airflow: Airflow, instances: int, deferrable: bool
) -> None:
    assert die_after_every_step(function(service, airflow, deferrable, instances)) > 10


@pytest.mark.parametrize(("kind", "deferrable"), list(zip(FAULTS, (True, False), strict=True)))
def test_whichever_request_is_disturbed_each_call_is_one_task(
    service: Service, airflow: Airflow, kind: str, deferrable: bool
) -> None:
    assert disturb_every_request(service, kind, function(service, airflow, deferrable, 2)) > 10


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_request_to_storage_is_disturbed_each_call_is_one_task(
    service: Service, airflow: Airflow, kind: str
) -> None:
    assert disturb_every_storage_request(airflow, kind, function(service, airflow, False, 1)) > 4


def test_whoever_is_killed_at_any_step_each_blob_is_taken_by_one_run(airflow: Airflow) -> None:
    assert die_after_every_step(claims(airflow)) > 10


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_request_to_storage_is_disturbed_each_blob_is_taken_by_one_run(
    airflow: Airflow, kind: str
) -> None:
    assert disturb_every_storage_request(airflow, kind, claims(airflow)) > 10
