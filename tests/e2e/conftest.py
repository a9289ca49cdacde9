"""One whole stack for all end-to-end tests: its start is the dearest part of them."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from demo.gallery import GALLERY
from demo.processes.supervisor import PROJECT_DIR
from demo.stack import LocalStack, StackOptions, default_connections
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.ports import free_port
from tests.e2e.batch import Batch, open_batch
from tests.e2e.waiting import wait_until

WRONG_KEY = base64.b64encode(b"a key, but of another account, and as long as keys are: 64 bytes").decode()
DAG_IDS = (
    *GALLERY,
    "flights_etl",
    "flights_ingest",
    "flights_withdraw",
    "given_up",
    "held",
    "ingest_once",
    "listed",
    "regroup",
    "sensed",
    "video_transcode",
    "submit_many",
    "wait_at_gates",
    "what_goes_wrong",
)
# No DAG file changes while the tests run. To parse all of them again and again would take a good part of a
# core from the tests.
PARSED_ONCE = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600"}
# By default Airflow takes a worker for dead after five minutes, a triggerer after half a minute; and what a
# killed scheduler had queued stays queued until, every five minutes, somebody looks for it.
CRASHES_ARE_NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "25",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "12",
}


def connections(
    storage: StorageAccount, batch: BatchAccount, queue_port: int
) -> Mapping[str, Mapping[str, object]]:
    """The usual connections, two with a wrong key, and one whose queues are a process of their own."""
    all_usual = default_connections(storage, batch)
    usual = all_usual["azure_batch_default"]
    other_queues = replace(storage, queue_port=queue_port).connection_string
    wrong_storage = storage.connection_string.replace(storage.key, WRONG_KEY)
    return {
        **all_usual,
        "wrong_account_key": {**usual, "password": WRONG_KEY},
        "wrong_storage_key": {**usual, "extra": {"storage_connection_string": wrong_storage}},
        "queue_that_dies": {**usual, "extra": {"storage_connection_string": other_queues}},
    }


@pytest.fixture(scope="session")
def queue_port() -> int:
    """Where the queues are that are a process of their own."""
    return free_port()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, queue_port: int) -> Iterator[LocalStack]:
    """Azurite, Event Grid, emulator and Airflow, with the example DAGs and those of the tests."""
    folder = tmp_path_factory.mktemp("e2e")
    dags = folder / "dags"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT_DIR / "dags", dags, ignore=ignored)
    shutil.copytree(Path(__file__).parent / "dags", dags, ignore=ignored, dirs_exist_ok=True)
    options = StackOptions(
        folder / "stack",
        dags,
        containers=("incoming", "inputs", "outgoing", "elsewhere", "raw", "ledger"),
        connections=lambda storage, batch: connections(storage, batch, queue_port),
        airflow_env=lambda _storage, _batch: PARSED_ONCE | CRASHES_ARE_NOTICED_SOON,
        emulator_options=("--dedicated-core-quota", "0"),
    )
    with LocalStack(options) as running:
        wait_until(running, "all DAGs are parsed", lambda: _all_parsed(running), 120)
        yield running


@pytest.fixture(scope="session")
def batch(stack: LocalStack) -> Iterator[Batch]:
    """The stack's Batch account."""
    with open_batch(stack.batch) as opened:
        yield opened


def _all_parsed(stack: LocalStack) -> bool:
    assert stack.airflow.import_errors() == []
    return all(stack.airflow.has_dag(dag_id) for dag_id in DAG_IDS)
