"""Raw flights files that land, early or late, in any order: each day they belong to is made anew.

A file is claimed by one run. The run works on all files of the file's day, so that two files of a day, or one
that comes late or is written again, lead to the same partition in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, Param, task
from flights.files import RAW, day_of
from flights.pipeline import flights_pipeline

from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

# With a hierarchical namespace whole files come by renaming too.
LANDED = BlobCreatedTrigger(
    queue_name="flight-files", container=RAW, prefix="flights/", event_types=["created", "renamed"]
)
FILES = Asset(name="raw_flights", watchers=[AssetWatcher(name="flights_landed", trigger=LANDED)])


@task
def days_of_the_files(files: Sequence[dict[str, Any]]) -> list[str]:
    """The days that the claimed files belong to."""
    return sorted({day for file in files if (day := day_of(file["name"]))})


@task(retries=0)
def files_of_no_day(files: Sequence[dict[str, Any]]) -> None:
    """Fail the run, which loads the other files, for those that no day's quarantine can tell of."""
    # What is empty may be a folder, as some programs make them.
    lost = [file["url"] for file in files if day_of(file["name"]) is None and file["size"] != 0]
    if lost:
        raise ValueError(
            f"Of no day, and left alone: {', '.join(lost)}. Raw files are flights/<day>/<airport>.csv, such "
            "as flights/2013-01-15/JFK.csv: upload them again under such names."
        )


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
    files_of_no_day(claimed.output)
    flights_pipeline(days_of_the_files(claimed.output))
