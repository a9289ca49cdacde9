"""Pools of a real emulator with real storage, for jobs that really run."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider.client.job_files import JobFiles
from airflow_batch_provider.client.job_run import JobPlan, JobRun
from airflow_batch_provider.client.storage import StorageAccess
from airflow_batch_provider.client.storage_settings import StorageSettings
from airflow_batch_provider.spec import JobGraph, JobOptions
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.retry import OnRetry
from demo.stack.accounts import BatchAccount, StorageAccount


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


@dataclass
class Jobs:
    """Makes runs of jobs, each as if by an Airflow task instance."""

    batch: Any
    storage: StorageAccess | None
    lines: list[str]

    def run(
        self,
        graph: JobGraph,
        pool_id: str,
        run_id: str | None = None,
        sleep: Callable[[float], None] = lambda seconds: time.sleep(min(seconds, 0.1)),
        on_retry: OnRetry = "repair",
        attempt: int = 1,
        submission: int = 1,
        **options: Any,
    ) -> JobRun:
        identity = JobIdentity("tests", run_id or uuid.uuid4().hex, "job", submission=submission)
        graph.validate()
        plan = JobPlan(
            identity, JobOptions(pool_id, **options), graph, lambda text: text,
            on_retry=on_retry, attempt=attempt,
        )  # fmt: skip
        files = JobFiles(self.storage, "batch-work") if self.storage else None
        return JobRun(plan, self.batch, files, self._log(), sleep=sleep)

    def _log(self) -> logging.Logger:
        logger = logging.Logger("job")
        logger.addHandler(_Lines(self.lines))
        return logger


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def jobs(batch: BatchClient, storage: StorageAccess) -> Jobs:
    """Jobs on the emulator; ``lines`` are what their Airflow log would show."""
    return Jobs(batch, storage, [])
