"""The DAGs that ``benchmarks.latency`` measures with, and those that keep the scheduler busy."""

from __future__ import annotations

import time
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger
from airflow_batch_provider.triggers.blob_listing import BlobListedTrigger

WATCHERS = {
    "queue": BlobCreatedTrigger(queue_name="latency", container="queue"),
    "listing": BlobListedTrigger("listing", every=timedelta(seconds=5)),
}


# Before the others' tasks: else the runs that wait for a slot are soon as many as may be active at once.
@task(priority_weight=1000)
def begin() -> None:
    """Does nothing, as soon as it may."""


@task
def short(number: int) -> int:
    """As short tasks are."""
    time.sleep(0.2)
    return number


for name, watcher in WATCHERS.items():
    asset = Asset(f"latency_{name}", watchers=[AssetWatcher(name=name, trigger=watcher)])
    with DAG(f"latency_{name}", schedule=[asset], catchup=False, max_active_runs=16):
        begin()

with DAG("busy", schedule=None, max_active_runs=200):
    last = short(0)
    for _ in range(30):
        last = short(last)
