"""Many videos dropped at once, some of them bad: none is lost, done twice, or holds up another.

Airflow starts three worker processes for each video, and on two cores that is what bounds the time: one video
more than a run takes by default, a hundred with `VIDEOS=100` in the environment.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobServiceClient

from demo.probe import probe
from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from tests.e2e.bad_videos import bad_videos
from tests.e2e.batch import Batch, Job
from tests.e2e.clips import make_clip
from tests.e2e.outgoing import fetch
from tests.e2e.transcoding import DAG_ID, announcements, messages, new_runs, run_ids, source_of
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(1200)]

VIDEOS = int(os.environ.get("VIDEOS", "26"))
SECONDS = 900.0
# So long is each kind of clip, in pictures.
KINDS = (25, 30, 35, 40)


@dataclass(frozen=True)
class Drop:
    """What was dropped and what came of it.

    Parameters:
        good, bad: contents by name.
        runs: the DAG runs that it caused, all ended.
        jobs: the Batch jobs of these runs.
        instances: the instances of the task `transcode`, as the API tells them.
    """

    good: dict[str, bytes]
    bad: dict[str, bytes]
    runs: list[DagRun]
    jobs: list[Job]
    instances: list[dict[str, Any]]


@pytest.fixture(scope="module")
def drop(stack: LocalStack, batch: Batch, tmp_path_factory: pytest.TempPathFactory) -> Drop:
    """All uploads at once, and the end of all that they caused."""
    folder = tmp_path_factory.mktemp("many")
    bad = {f"many/{name}": data for name, data in bad_videos(folder).items()}
    clips = [
        make_clip(folder / f"{frames}.mp4", frames, size="96x54", sound=False).read_bytes()
        for frames in KINDS
    ]
    good = {
        f"many/{number:03d}.mp4": _with_number(clips[number % len(KINDS)], number)
        for number in range(VIDEOS - len(bad))
    }
    known, before = run_ids(stack), {job.id for job in batch.jobs(dag_id=DAG_ID)}
    _upload(stack, good | bad)

    def jobs() -> list[Job]:
        return [job for job in batch.jobs(dag_id=DAG_ID) if job.id not in before]

    def settled() -> bool:
        return (
            len(jobs()) >= VIDEOS
            and messages(stack) == 0
            and all(run.has_ended for run in new_runs(stack, known))
        )

    wait_until(stack, "all videos are done and all runs have ended", settled, SECONDS, pause=2.0)
    runs = new_runs(stack, known)
    return Drop(good, bad, runs, jobs(), [item for run in runs for item in _instances(stack, run)])


def test_each_video_has_one_job_and_each_run_ends_well(drop: Drop, batch: Batch) -> None:
    assert len(drop.runs) > 1, "all of them in one run"
    assert {run.state for run in drop.runs} == {"success"}
    assert {job.state for job in drop.jobs} == {"completed"}
    names = {name.rpartition("/")[2] for name in drop.good | drop.bad}
    assert Counter(source_of(batch, job) for job in drop.jobs) == dict.fromkeys(names, 1)
    states = {item["rendered_map_index"]: item["state"] for item in drop.instances}
    assert states == dict.fromkeys(drop.good, "success") | dict.fromkeys(drop.bad, "failed")
    assert {item["try_number"] for item in drop.instances} == {1}, "a damaged video is not worth a retry"


def test_each_good_video_has_its_outputs_once(
    stack: LocalStack, drop: Drop, batch: Batch, tmp_path: Path
) -> None:
    found = _contents(stack, "outgoing")
    manifests = {name for name in found if name.endswith("/manifest.json")}
    assert manifests == {f"{name}/manifest.json" for name in drop.good}
    for number, name in enumerate(drop.good):
        manifest = json.loads(found[f"{name}/manifest.json"])
        assert manifest["source"]["bytes"] == len(drop.good[name])
        assert [entry["frames"] for entry in manifest["renditions"]] == [KINDS[number % len(KINDS)]]
    announced = [extra for run in drop.runs for extra in announcements(stack, run, "transcoded_videos")]
    assert len(announced) == len({extra["job_id"] for extra in announced}) == len(drop.good)
    well = [job for job in drop.jobs if source_of(batch, job) in {Path(name).name for name in drop.good}]
    assert [task for job in well for task in batch.tasks(job.id) if not task.is_completed_once] == []
    for name, frames in zip(drop.good, KINDS, strict=False):
        (stream,) = fetch(stack, name, tmp_path).streams.values()
        (tmp_path / "source.mp4").write_bytes(drop.good[name])
        assert stream.frames == probe(tmp_path / "source.mp4", name).frames == frames


def test_each_bad_video_is_reported_once_and_set_aside_with_its_reason(stack: LocalStack, drop: Drop) -> None:
    found = _contents(stack, "rejected")
    assert set(found) == set(drop.bad) | {f"{name}.reason.json" for name in drop.bad}
    jobs = {job.id for job in drop.jobs}
    for name, data in drop.bad.items():
        assert found[name] == data
        reason = json.loads(found[f"{name}.reason.json"])
        assert (reason["name"], reason["exit_code"], reason["copied"]) == (name, 65, True)
        assert reason["job_id"] in jobs
        assert reason["reason"] in "\n".join(reason["stderr"])
        assert reason["batch_task"] == "probe" or name == "many/damaged-midway.mp4"
    midway = json.loads(found["many/damaged-midway.mp4.reason.json"])
    assert midway["batch_task"].partition("-")[0] in ("encode", "thumbnails")
    told = [extra for run in drop.runs for extra in announcements(stack, run, "rejected_videos")]
    assert Counter(video["name"] for extra in told for video in extra["videos"]) == dict.fromkeys(drop.bad, 1)


def _with_number(clip: bytes, number: int) -> bytes:
    """The same pictures in another file: a box that players skip holds the number."""
    return clip + (12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big")


def _upload(stack: LocalStack, blobs: dict[str, bytes]) -> None:
    with (
        BlobServiceClient.from_connection_string(stack.storage.connection_string) as service,
        service.get_container_client("incoming") as container,
        ThreadPoolExecutor(16) as threads,
    ):
        list(threads.map(container.upload_blob, blobs.keys(), blobs.values()))


def _contents(stack: LocalStack, container: str) -> dict[str, bytes]:
    """All that there is of these videos, by name."""
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        blobs = service.get_container_client(container)
        names = list(blobs.list_blob_names(name_starts_with="many/"))
        return {name: blobs.download_blob(name).readall() for name in names}


def _instances(stack: LocalStack, run: DagRun) -> list[dict[str, Any]]:
    """Mapped instances of the task `transcode`."""
    path = f"/dags/{DAG_ID}/dagRuns/{quote(run.run_id, safe='')}/taskInstances"
    items: list[dict[str, Any]] = []
    while True:
        page = stack.airflow.call("GET", path, params={"limit": 100, "offset": len(items)})
        items += page["task_instances"]
        if len(items) >= page["total_entries"]:
            return [item for item in items if item["task_id"] == "transcode" and item["map_index"] >= 0]
