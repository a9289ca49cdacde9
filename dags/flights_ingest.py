"""Raw flights files that land, early or late, in any order: each day they belong to is made anew.

A file is claimed by one run. The run works on all files of the file's day, so that two files of a day, or one
that comes late or is written again, lead to the same partition in the end.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, Param, task
from flights.files import RAW, day_of
from flights.pipeline import flights_pipeline

from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

log = logging.getLogger(__name__)

LANDED = BlobCreatedTrigger(queue_name="flight-files", container=RAW, prefix="flights/", suffix=".csv")
FILES = Asset(name="raw_flights", watchers=[AssetWatcher(name="flights_landed", trigger=LANDED)])


@task
def days_of_the_files(files: Sequence[dict[str, Any]]) -> list[str]:
    """The days that the claimed files belong to. A file of another name is told and left alone."""
    for file in files:
        if day_of(file["name"]) is None:
            log.warning("%s is left alone: raw files are flights/<day>/<airport>.csv", file["url"])
    return sorted({day for file in files if (day := day_of(file["name"]))})


with DAG(
    "flights_ingest",
    description="Flights files that land are loaded, by Azure Batch",
    schedule=[FILES],
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    params={
        "files": Param(
            [], type="array", items={"type": "string"}, description="Blob URLs, for a run started by hand."
        )
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "etl"],
    doc_md=__doc__,
):
    claimed = AzureBlobClaimOperator(task_id="new_files", asset=FILES, blobs="{{ params.files }}")
    flights_pipeline(days_of_the_files(claimed.output))
