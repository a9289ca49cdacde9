"""A thousand blobs while everything that carries their events is killed: each is in the table once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from demo.stack import LocalStack
from tests.e2e.crashing import kill_component
from tests.e2e.queue_that_dies import QueueThatDies
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]

BLOBS = 1000
SEED = 20_261_126
DAG_ID, ASSET, QUEUE = "ingest_once", "numbers", "ledger-events"
NAMES = [f"{number:05d}.txt" for number in range(BLOBS)]
SECONDS = 300.0


def test_every_blob_is_ingested_once_whatever_is_killed(stack: LocalStack, queue_port: int) -> None:
    chance = Random(SEED)
    queue = QueueThatDies(stack, queue_port)
    disturbed = ("--duplicate-rate", "0.3", "--disorder-rate", "0.3", "--seed", str(SEED))
    queue.start(f"container=ledger,queue={QUEUE},events=created", *disturbed)

    def crash_of_the_triggerer() -> None:
        wait_until(stack, "it has messages in hand", lambda: queue.in_hand(QUEUE) > 0, SECONDS, pause=0.05)
        _crash(stack, "triggerer")

    crashes: list[Callable[[], None]] = [
        crash_of_the_triggerer,
        lambda: _crash(stack, "scheduler"),
        queue.kill_and_restart,
    ]
    chance.shuffle(crashes)
    cuts = [0, *sorted(chance.sample(range(1, BLOBS), len(crashes))), BLOBS]
    parts = [NAMES[begin:end] for begin, end in pairwise(cuts)]

    with ThreadPoolExecutor(4) as uploads:
        for part, crash in zip(parts, crashes, strict=False):
            arriving = [uploads.submit(_upload, stack, name) for name in part]
            for done in islice(as_completed(arriving), chance.randrange(len(part))):
                done.result()
            crash()
            for done in arriving:
                done.result()
        for done in [uploads.submit(_upload, stack, name) for name in parts[-1]]:
            done.result()

    wait_until(stack, "all blobs are in the table", lambda: set(_ingested(stack)) == set(NAMES), SECONDS)
    wait_until(stack, "no message is left", lambda: queue.left(QUEUE) == 0, SECONDS)
    wait_until(stack, "all runs have ended", lambda: _ended(stack), SECONDS)
    assert Counter(_ingested(stack)) == dict.fromkeys(NAMES, 1)
    assert _total(stack) == sum(range(BLOBS))
    assert {run.state for run in stack.airflow.dag_runs(DAG_ID)} == {"success"}
    assert f"{QUEUE}-poison" not in queue.queues()
    assert queue.sent() > BLOBS, "no message was sent twice"
    announced = _announced(stack)
    assert announced != sorted(announced), "no event came out of order"
    assert len(_receipts(stack)) == BLOBS


def _crash(stack: LocalStack, component: str) -> None:
    kill_component(stack, component)
    stack.restart(component)


def _upload(stack: LocalStack, name: str) -> None:
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        service.get_blob_client("ledger", name).upload_blob(str(int(name.partition(".")[0])).encode())


def _ended(stack: LocalStack) -> bool:
    return all(run.has_ended for run in stack.airflow.dag_runs(DAG_ID))


def _ingested(stack: LocalStack) -> list[str]:
    return [str(name) for (name,) in _rows(stack, "SELECT name FROM ledger")]


def _total(stack: LocalStack) -> int:
    return sum(number for (number,) in _rows(stack, "SELECT number FROM ledger"))


def _announced(stack: LocalStack) -> list[str]:
    """The sequencers of what Airflow was told, in the order in which it was."""
    (asset,) = stack.airflow.call("GET", "/assets", params={"name_pattern": ASSET})["assets"]
    events: list[dict[str, Any]] = []
    for _ in range(BLOBS):
        query = {"asset_id": asset["id"], "order_by": "timestamp", "limit": 100, "offset": len(events)}
        page = stack.airflow.call("GET", "/assets/events", params=query)["asset_events"]
        events += page
        if not page:
            break
    payloads = (event["extra"].get("payload", {}) for event in events)
    return [blob["sequencer"] for payload in payloads for blob in payload.get("blobs", ())]


def _receipts(stack: LocalStack) -> list[str]:
    """What the claims of all runs have taken: a blob for each version of a blob."""
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        container = service.get_container_client("airflow-receipts")
        names = container.list_blob_names(name_starts_with=f"{DAG_ID}/new/")
        return [name for name in names if not name.startswith(f"{DAG_ID}/new/runs/")]


def _rows(stack: LocalStack, query: str) -> Iterable[tuple[int]]:
    path = stack.work_dir / "airflow" / "ledger.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=60)) as table:
        return table.execute(query).fetchall()
