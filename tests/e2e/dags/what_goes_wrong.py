"""A DAG each of whose last tasks fails for a reason of its own; a test reads the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, get_current_context
from transcoding.graph import transcode_graph
from transcoding.package import APPLICATION_ID, PackageFile, build_ffmpeg_package

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, JobGraph, Pool, blob, shell

POOL = Pool(id="help", vm_size="standard_d2s_v3", scale=FixedScale(spot=2), task_slots=2)
# The account of the tests has a quota of no dedicated cores at all.
NO_QUOTA = Pool(id="dedicated", vm_size="standard_d2s_v3", scale=FixedScale(dedicated=1))
SMALL = [{"name": "180p", "width": 320, "height": 180, "video_kbps": 200}]


def build_package(folder: Path) -> PackageFile:
    return build_ffmpeg_package(folder / "ffmpeg.zip")


def transcode(url: str, options: list[str]) -> JobGraph:
    version = get_current_context()["ti"].xcom_pull(task_ids="ffmpeg_package")["version"]
    return transcode_graph(url, "wrong.mp4", ladder=SMALL, ffmpeg_version=version, encoder_options=options)


def copy_of(name: str) -> JobGraph:
    graph = JobGraph()
    graph.task("copy", "cp source.mp4 copy.mp4", inputs={"source.mp4": blob(name)}, outputs=["copy.mp4"])
    return graph


def printing(words: str) -> JobGraph:
    graph = JobGraph()
    graph.task("tell", shell(f'echo "{words}"; sleep 1; exit 3'))
    return graph


def job(task_id: str, graph: Any, graph_kwargs: dict[str, Any], **options: Any) -> AzureBatchJobOperator:
    return AzureBatchJobOperator(
        task_id=task_id,
        pool_id=POOL.id,
        graph=graph,
        graph_kwargs=graph_kwargs,
        poll_interval=2,
        **options,
    )


with DAG(
    "what_goes_wrong",
    schedule=None,
    default_args={"retries": 0},
    params={name: Param("", type="string") for name in ("good_video", "corrupt_video", "missing_blob")},
):
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    package = AzureBatchApplicationPackageOperator(
        task_id="ffmpeg_package", application_id=APPLICATION_ID, build=build_package
    )
    [pool, package] >> job("corrupt_video", transcode, {"url": "{{ params.corrupt_video }}", "options": []})
    [pool, package] >> job(
        "wrong_ffmpeg_option",
        transcode,
        {"url": "{{ params.good_video }}", "options": ["-no_such_option 1"]},
    )
    secret = {"SECRET": "{{ conn.wrong_account_key.password }}"}
    pool >> job("printed_secret", printing, {"words": "the key is $SECRET"}, environment=secret)
    pool >> job("missing_blob", copy_of, {"name": "{{ params.missing_blob }}"})
    pool >> job("wrong_storage_key", copy_of, {"name": "elsewhere/good.mp4"}, conn_id="wrong_storage_key")
    job("wrong_account_key", copy_of, {"name": "elsewhere/good.mp4"}, conn_id="wrong_account_key")
    AzureBatchPoolOperator(task_id="no_quota", batch_pool=NO_QUOTA, check_limits=False)
