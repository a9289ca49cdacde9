"""Transcode every video that lands in the container `incoming`: one Batch job a video, started by the blob.

    a blob -> Event Grid -> storage queue -> asset event -> this DAG -> a Batch job -> `outgoing` -> an asset

A damaged video fails its own task, once, and is set aside in `rejected`; the run goes on and ends well.
On Azure it runs as it is; the README says what to create there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, Param, get_current_context
from transcoding.graph import transcode_graph
from transcoding.node.errors import ExitCode
from transcoding.node.ladder import DEFAULT_LADDER
from transcoding.package import APPLICATION_ID, PackageFile, build_ffmpeg_package
from transcoding.rejects import set_aside

from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import Image, JobGraph, Pool, pending_tasks
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger

VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mxf", ".wmv", ".flv")
LANDED = BlobCreatedTrigger(queue_name="blob-events", container="incoming", suffix=VIDEOS)
INCOMING = Asset(name="incoming_videos", watchers=[AssetWatcher(name="video_landed", trigger=LANDED)])
TRANSCODED = Asset(name="transcoded_videos")

SPOT_POOL = Pool(
    id="transcode-spot",
    vm_size="standard_d4s_v5",
    image=Image.UBUNTU_22_04,
    scale=pending_tasks(max_nodes=8, min_nodes=1, start_nodes=2, spot=True),
    task_slots=1,
)

# A Batch account begins with a quota of a hundred active jobs: these are 75, and leave some for others.
VIDEOS_OF_A_RUN, RUNS_AT_ONCE = 25, 3


def job_of_a_video(url: str, name: str, **_: Any) -> JobGraph:
    """The job graph of one claimed blob; runs in an Airflow worker."""
    context = get_current_context()
    return transcode_graph(
        url,
        name,
        ladder=context["params"]["ladder"],
        encoder_options=context["params"]["encoder_options"],
        ffmpeg_version=context["ti"].xcom_pull(task_ids="ffmpeg_package")["version"],
    )


def build_package(folder: Path) -> PackageFile:
    """The application package, from the ffmpeg that this Airflow worker has installed."""
    return build_ffmpeg_package(folder / "ffmpeg.zip")


with DAG(
    "video_transcode",
    description="A video lands in a container and a Batch job transcodes it to HLS",
    schedule=[INCOMING],
    catchup=False,
    max_active_runs=RUNS_AT_ONCE,
    default_args={"retries": 2, "retry_delay": 5},
    params={
        "ladder": Param(
            DEFAULT_LADDER, type="array", description="Renditions; never larger than the source."
        ),
        "encoder_options": Param(
            [], type="array", items={"type": "string"}, description="Further ffmpeg options, e.g. -tune film"
        ),
        "videos": Param(
            [], type="array", items={"type": "string"}, description="Blob URLs, for a run started by hand."
        ),
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "video"],
    doc_md=__doc__,
):
    videos = AzureBlobClaimOperator(
        task_id="new_videos",
        asset=INCOMING,
        max_blobs=VIDEOS_OF_A_RUN,  # the next run takes the rest
        blobs="{{ params.videos }}",
    )
    package = AzureBatchApplicationPackageOperator(
        task_id="ffmpeg_package", application_id=APPLICATION_ID, build=build_package
    )
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=SPOT_POOL)
    transcode = AzureBatchJobOperator.partial(
        task_id="transcode",
        pool_id=SPOT_POOL.id,
        graph=job_of_a_video,
        outlets=[TRANSCODED],
        no_retry_exit_codes=(ExitCode.USAGE, ExitCode.DATA),  # another try would not help
        map_index_template="{{ task.graph_kwargs['name'] }}",
    ).expand(graph_kwargs=videos.output)

    [package, pool] >> transcode >> set_aside(videos.output, transcode.task_id)
