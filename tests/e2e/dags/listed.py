"""Blobs of a container that is listed, one run or some that take them."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.triggers.blob_listing import BlobListedTrigger

LISTING = BlobListedTrigger("elsewhere", "listed/", existing=True, every=timedelta(seconds=1))
FILES = Asset("listed_files", watchers=[AssetWatcher(name="listing", trigger=LISTING)])

with DAG("listed", schedule=[FILES], catchup=False, is_paused_upon_creation=False):
    AzureBlobClaimOperator(task_id="new_files", asset=FILES)
