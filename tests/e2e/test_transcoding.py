"""A video lands in a container and is transcoded, through real processes from one end to the other."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from demo.outputs import upload
from demo.probe import StreamFacts, probe
from demo.stack import LocalStack
from demo.video import sample_video
from tests.e2e.batch import Batch, Job
from tests.e2e.clips import make_clip
from tests.e2e.outgoing import fetch
from tests.e2e.transcoding import DAG_ID, announcements, messages, new_runs, run_ids, source_of
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

START_SECONDS, END_SECONDS = 120.0, 400.0
LADDER = {"720p": (1280, 720), "480p": (854, 480), "360p": (640, 360)}
CLIPS = {f"clip-{number}": 25 + 5 * number for number in range(5)}


def test_an_uploaded_video_starts_a_dag_run_that_leaves_its_outputs(
    stack: LocalStack, batch: Batch, tmp_path: Path
) -> None:
    known = run_ids(stack)
    upload(stack.storage, "incoming", "day/bunny.mp4", sample_video())
    wait_until(stack, "a DAG run has started", lambda: bool(new_runs(stack, known)), START_SECONDS)
    (run,) = new_runs(stack, known)
    assert run.run_type == "asset_triggered"
    assert stack.airflow.wait_for_run(DAG_ID, run.run_id, END_SECONDS, stack.check).state == "success"

    (job,) = batch.jobs(run_id=run.run_id)
    assert job.state == "completed"
    _all_tasks_completed_once(batch, job)
    wait_until(stack, "the queue is empty", lambda: messages(stack) == 0, START_SECONDS)
    assert len(announcements(stack, run, "transcoded_videos")) == 1
    assert announcements(stack, run, "rejected_videos") == []
    assert len(new_runs(stack, known)) == 1

    outgoing = fetch(stack, "day/bunny.mp4", tmp_path)
    source = probe(sample_video(), "source")
    assert source.frames == 132
    assert {name: (s.width, s.height) for name, s in outgoing.streams.items()} == LADDER
    for stream in outgoing.streams.values():
        _plays_as(stream, source)
    master = (outgoing.folder / "hls/master.m3u8").read_text()
    assert [line for line in master.splitlines() if line.endswith(".m3u8")] == [
        f"{name}/index.m3u8" for name in LADDER
    ]
    assert {entry["name"]: entry["frames"] for entry in outgoing.manifest["renditions"]} == dict.fromkeys(
        LADDER, source.frames
    )
    assert (outgoing.folder / "thumbnails/sheet.jpg").stat().st_size > 1000


def test_five_videos_at_once_are_all_transcoded_and_each_once(
    stack: LocalStack, batch: Batch, tmp_path: Path
) -> None:
    """Airflow may start one run for several events, or none for some: no video may be lost or done twice."""
    known, jobs_before = run_ids(stack), {job.id for job in batch.jobs(dag_id=DAG_ID)}
    clips = [make_clip(tmp_path / f"{name}.mp4", frames) for name, frames in CLIPS.items()]
    assert _upload_at_once(stack, clips) < 1.0  # a tenth of it when nothing else uses the machine

    def new_jobs() -> list[Job]:
        return [job for job in batch.jobs(dag_id=DAG_ID) if job.id not in jobs_before]

    def all_done() -> bool:
        return len(new_jobs()) >= len(clips) and all(run.has_ended for run in new_runs(stack, known))

    wait_until(stack, "all five videos are transcoded", all_done, END_SECONDS)
    wait_until(stack, "the queue is empty", lambda: messages(stack) == 0, START_SECONDS)
    assert {run.state for run in new_runs(stack, known)} == {"success"}
    jobs = new_jobs()
    assert {job.state for job in jobs} == {"completed"}
    assert Counter(source_of(batch, job) for job in jobs) == {clip.name: 1 for clip in clips}
    for job in jobs:
        _all_tasks_completed_once(batch, job)
    for clip in clips:
        source = probe(clip, clip.stem)
        assert source.frames == CLIPS[clip.stem]
        streams = fetch(stack, clip.name, tmp_path / "outgoing").streams
        assert list(streams) == ["180p"]
        _plays_as(streams["180p"], source)


def _upload_at_once(stack: LocalStack, clips: list[Path]) -> float:
    """Upload from one thread each. Returns the seconds from the first to the last of them."""
    together = threading.Barrier(len(clips))

    def put(clip: Path) -> tuple[float, float]:
        data = clip.read_bytes()
        with ContainerClient.from_connection_string(stack.storage.connection_string, "incoming") as container:
            container.exists()  # connects, so that only the upload itself is behind the barrier
            together.wait(60)
            begun = time.monotonic()
            container.upload_blob(clip.name, data)
            return begun, time.monotonic()

    with ThreadPoolExecutor(len(clips)) as threads:
        spans = list(threads.map(put, clips))
    return max(ended for _, ended in spans) - min(begun for begun, _ in spans)


def _all_tasks_completed_once(batch: Batch, job: Job) -> None:
    tasks = batch.tasks(job.id)
    kinds = {task.id.split("-")[0] for task in tasks}
    assert kinds == {"probe", "split", "thumbnails", "audio", "encode", "join", "package"}
    assert [task for task in tasks if not task.is_completed_once] == []


def _plays_as(stream: StreamFacts, source: StreamFacts) -> None:
    assert stream.frames == source.frames
    assert stream.seconds == pytest.approx(source.seconds, abs=0.1)
    assert (stream.video_codec, stream.audio_codec) == ("h264", "aac")
