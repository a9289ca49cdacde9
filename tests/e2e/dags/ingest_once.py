"""Blobs into a table, each once: claimed in batches, loaded with the run's id in the same transaction."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

CONN_ID, BLOBS_OF_A_RUN = "queue_that_dies", 150
ARRIVING = BlobCreatedTrigger(
    "ledger-events", CONN_ID, "ledger", suffix=".txt", dag_ids="ingest_once", max_runs=2
)
NUMBERS = Asset("numbers", watchers=[AssetWatcher(name="arriving", trigger=ARRIVING)])
AGAIN: dict[str, Any] = {"retries": 20, "retry_delay": timedelta(seconds=1)}


@task(**AGAIN)
def load(blobs: list[dict[str, Any]], run_id: str | None = None) -> None:
    from airflow_batch_provider.hooks.batch import AzureBatchHook

    with AzureBatchHook(CONN_ID).storage().container_client("ledger") as container:
        rows = [
            (blob["name"], int(container.download_blob(blob["name"]).readall()), run_id) for blob in blobs
        ]
    path = Path(os.environ["AIRFLOW_HOME"], "ledger.db")
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as table:
        table.execute("BEGIN IMMEDIATE")
        table.execute("CREATE TABLE IF NOT EXISTS loads (run TEXT PRIMARY KEY)")
        table.execute("CREATE TABLE IF NOT EXISTS ledger (name TEXT, number INTEGER, run TEXT)")
        # Whoever died after the commit comes back with the same blobs and finds them loaded.
        if table.execute("INSERT OR IGNORE INTO loads VALUES (?)", (run_id,)).rowcount:
            table.executemany("INSERT INTO ledger VALUES (?, ?, ?)", rows)
        table.execute("COMMIT")


with DAG("ingest_once", schedule=[NUMBERS], max_active_runs=2):
    new = AzureBlobClaimOperator(
        task_id="new", asset=NUMBERS, conn_id=CONN_ID, max_blobs=BLOBS_OF_A_RUN, **AGAIN
    )
    load(new.output)
