"""What tests of the provider share: a real emulator, its pools, and what became of DAGs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider import metrics
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.files.storage import StorageAccess
from demo.processes.supervisor import Supervisor
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.emulator import NAME, emulator_component
from demo.stack.ports import PortPicker
from tests.airflow_batch_provider.collector import Collected, collector
from tests.connections import connection_to

_WITH_DAGS = tuple(
    f"tests.airflow_batch_provider.{name}"
    for name in (
        "jobs.dag_in_airflow",
        "jobs.functions_in_airflow",
        "jobs.keyed_in_airflow",
        "task_groups.groups_in_airflow",
        "telling_in_airflow",
    )
)
_KEY = "cHJvdmlkZXItdGVzdHMtcHJpbWFyeS1rZXktcHJvdmlkZXItdGVzdHMtcHJpbWFyeS1rZXktYWI="


@pytest.fixture(autouse=True, scope="session")
def process_of_airflow() -> None:
    """Airflow 3.1 reads connections asynchronously only in a process that it has started itself."""
    if version("apache-airflow").startswith("3.1."):
        from airflow.sdk.execution_time import task_runner

        task_runner.SUPERVISOR_COMMS = getattr(task_runner, "SUPERVISOR_COMMS", None)


@pytest.fixture(scope="session")
def emulator(azurite: StorageAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchAccount]:
    """A Batch account of its own, with Azurite as its linked storage and no quota of dedicated cores.

    Tests use ids of their own.
    """
    folder = tmp_path_factory.mktemp("emulator")
    port = PortPicker(use_preferred=False).take(NAME, 0)
    account = BatchAccount(f"http://127.0.0.1:{port}", "providertests", _KEY)
    options = ("--dedicated-core-quota", "0")
    with Supervisor(folder) as processes:
        log = processes.log_of(NAME)
        processes.start(emulator_component(account, port, azurite, folder / "data", log, options))
        processes.wait_ready(NAME)
        yield account


@pytest.fixture
def batch_conn_id(emulator: BatchAccount, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of an Airflow connection to the emulator and its storage account."""
    monkeypatch.setenv("AIRFLOW_CONN_BATCH_LOCAL", connection_to(azurite, emulator))
    return "batch_local"


@pytest.fixture(scope="module")
def connection(emulator: BatchAccount, azurite: StorageAccount) -> Iterator[None]:
    """The default connection leads to the emulator and to its storage account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(azurite, emulator))
        yield


@pytest.fixture(scope="session")
def batch(emulator: BatchAccount) -> Iterator[BatchClient]:
    """The official client, as the provider opens it."""
    credential = AzureNamedKeyCredential(emulator.name, emulator.key)
    with BatchClient(emulator.endpoint, credential) as client:
        yield client


@pytest.fixture(scope="session")
def storage(azurite: StorageAccount) -> StorageAccess:
    """The storage account that jobs read and write."""
    return StorageAccess(StorageSettings.from_connection_string(azurite.connection_string))


@pytest.fixture(scope="session")
def pool(batch: BatchClient) -> str:
    """A pool of two nodes with four slots each."""
    return make_pool(batch, nodes=2, slots=4)


@pytest.fixture(scope="session")
def empty_pool(batch: BatchClient) -> str:
    """A pool without nodes: what is submitted to it stays as it was submitted."""
    return make_pool(batch, nodes=0, slots=4)


def make_pool(batch: BatchClient, *, nodes: int, slots: int, inter_node: bool = False) -> str:
    pool_id = f"pool-{uuid.uuid4().hex[:8]}"
    image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    body: Any = {
        "id": pool_id,
        "vmSize": "standard_d4s_v3",
        "virtualMachineConfiguration": {
            "imageReference": image,
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "targetLowPriorityNodes": nodes,
        "taskSlotsPerNode": slots,
        "enableInterNodeCommunication": inter_node,
    }
    batch.create_pool(body)
    return pool_id


class Stats:
    """Takes what is sent to Airflow's statistics: name, number and tags."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def timing(self, name: str, value: timedelta, *, tags: dict[str, str]) -> None:
        self.sent.append((name, value.total_seconds(), tags))

    def incr(self, name: str, count: int = 1, *, tags: dict[str, str]) -> None:
        self.sent.append((name, count, tags))

    @property
    def layers(self) -> list[str]:
        """Layers of the failures."""
        return [tags["layer"] for name, _, tags in self.sent if name == metrics.FAILURES]


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> Stats:
    """What is sent to Airflow's statistics in this process."""
    found = Stats()
    monkeypatch.setattr(metrics, "_stats", lambda: found)
    return found


@dataclass(frozen=True)
class Told:
    """What became of DAGs, and of all that was told meanwhile.

    Parameters:
        dags: what became of each.
        output: all that Airflow wrote.
        runs: what commands have noted: name and job.
        metrics: what Airflow sent to its collector.
        lineage: events of OpenLineage, in their order.
    """

    dags: dict[str, Any]
    output: str
    runs: list[list[str]]
    metrics: Collected
    lineage: list[Any]


@pytest.fixture(scope="session")
def told(
    tmp_path_factory: pytest.TempPathFactory,
    emulator: BatchAccount,
    azurite: StorageAccount,
    pool: str,
    storage: StorageAccess,
) -> Told:
    """What became of the DAGs of all tests that run some in a real Airflow, in one process: its start and its
    database are what takes longest."""
    home, folder = tmp_path_factory.mktemp("airflow"), tmp_path_factory.mktemp("runs")
    folder.chmod(0o777)
    (home / "dags").mkdir()
    storage.ensure_container("listed")
    for name, text in (("one {{ run_id }}.txt", "a b"), ("two.txt", "3"), ("other.csv", "x y z")):
        storage.upload_blob("listed", f"listed/{name}", text)
    events = home / "lineage.jsonl"
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__OPENLINEAGE__SELECTIVE_ENABLE": "True",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(events), "append": True}
        ),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": connection_to(azurite, emulator),
    }
    with collector() as collected:
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("dags_in_airflow.py"), pool, folder, *_WITH_DAGS],
            capture_output=True,
            text=True,
            env={**environment, "OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint},
            cwd=Path(__file__).parents[2],
            timeout=280,
            check=False,
        )
    output = done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, output[-8000:]
    return Told(
        json.loads(lines[0].removeprefix("RESULT ")),
        output,
        [line.split() for line in (folder / "runs").read_text().splitlines()],
        collected,
        [json.loads(line) for line in events.read_text().splitlines()],
    )
