"""The demo's story: a video is uploaded, a DAG run starts because of it, and its outputs are judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.following import ScenarioError, follow, wait, wait_for_dag, wait_for_watcher
from demo.outputs import Output, download, list_outputs, upload
from demo.probe import StreamFacts, complaints, find_streams, probe
from demo.processes.tails import tail
from demo.stack import LocalStack
from demo.stack.airflow import TRIGGERER
from demo.stack.airflow_client import DagRun
from demo.stages import Stage
from demo.video import sample_video
from demo.view import View

__all__ = ["Plan", "Result", "play"]

_START_SECONDS = 60.0
_HEIGHTS = (720, 480, 360)  # of the DAG's ladder all that are not larger than the sample


@dataclass(frozen=True)
class Plan:
    """What is played.

    Parameters:
        dag_id: the DAG that the upload starts.
        incoming, outgoing: containers of the upload and of the outputs.
        blob: name of the upload.
        start_within: seconds from the upload to the DAG run that are allowed.
        end_within: seconds for the DAG run.
        due: the streams that are to come out: height in pixels by name in the container of outputs.
    """

    dag_id: str = "video_transcode"
    incoming: str = "incoming"
    outgoing: str = "outgoing"
    blob: str = "big_buck_bunny.mp4"
    start_within: float = 5.0
    end_within: float = 600.0
    due: Mapping[str, int] = field(
        default_factory=lambda: {
            f"big_buck_bunny.mp4/{name}": height
            for height in _HEIGHTS
            for name in (f"hls/{height}p/index.m3u8", f"renditions/{height}p.mp4")
        }
    )


@dataclass(frozen=True)
class Result:
    """How it ended.

    Parameters:
        run: the DAG run.
        latency: seconds from the upload to the DAG run.
        outputs: produced blobs.
        source: the video that went in.
        streams: what a probe found in the outputs.
        stages: all stages, ended.
    """

    run: DagRun
    latency: float
    outputs: list[Output]
    source: StreamFacts
    streams: list[StreamFacts]
    stages: list[Stage]


def play(stack: LocalStack, view: View, plan: Plan | None = None, video: Path | None = None) -> Result:
    """Upload the video, follow the run, probe the outputs.

    Parameters:
        stack: runs.
        view: is told what happens.
        plan: what is played; the demo's own unless given.
        video: what is uploaded; Big Buck Bunny unless given.

    Raises:
        ScenarioError: the DAG did not come up, start in time or succeed, or its outputs are wrong.
        ComponentError: a process of the stack ended.
    """
    plan = plan or Plan()
    wait_for_dag(stack, plan.dag_id)
    wait_for_watcher(stack, view)
    known = {run.run_id for run in stack.airflow.dag_runs(plan.dag_id)}
    video = video or sample_video()
    uploaded = upload(stack.storage, plan.incoming, plan.blob, video)
    view.say(f"Uploaded {stack.storage.blob_endpoint}/{plan.incoming}/{plan.blob}")
    run = _wait_for_run(stack, plan, known)
    latency = ((run.queued_at or run.start_date or uploaded) - uploaded).total_seconds()
    view.say(f"DAG run {run.run_id} was started by it after {latency:.1f} s")
    run, stages = follow(stack, view, plan.dag_id, run, uploaded, plan.end_within)
    if latency > plan.start_within:
        raise ScenarioError(
            f"The DAG run started {latency:.1f} s after the upload; {plan.start_within:g} s are allowed. "
            "The machine may be too busy. Close other programs and try again. The triggerer's log ends:\n"
            f"{tail(stack.supervisor.log_of(TRIGGERER))}"
        )
    outputs = list_outputs(stack.storage, plan.outgoing, uploaded)
    source, streams = _probe(stack, plan, outputs, video)
    return Result(run, latency, outputs, source, streams, stages)


def _wait_for_run(stack: LocalStack, plan: Plan, known: set[str]) -> DagRun:
    found: list[DagRun] = []

    def started() -> bool:
        found[:] = [run for run in stack.airflow.dag_runs(plan.dag_id) if run.run_id not in known]
        return bool(found)

    if not wait(stack, _START_SECONDS, started):
        raise ScenarioError(
            f"No run of {plan.dag_id} started within {_START_SECONDS:g} s of the upload. "
            "The blob's event was not delivered or not understood. The local Event Grid's log ends:\n"
            f"{tail(stack.supervisor.log_of('event-grid'), 8)}\nThe triggerer's log ends:\n"
            f"{tail(stack.supervisor.log_of(TRIGGERER))}"
        )
    return found[0]


def _probe(
    stack: LocalStack, plan: Plan, outputs: list[Output], video: Path
) -> tuple[StreamFacts, list[StreamFacts]]:
    source = probe(video, video.name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        download(stack.storage, plan.outgoing, outputs, folder)
        try:
            streams = [probe(path, str(path.relative_to(folder))) for path in find_streams(folder)]
        except (OSError, ValueError) as error:
            raise ScenarioError(f"A produced stream cannot be played: {error}") from error
    wrong = complaints(source, streams, plan.due)
    if wrong:
        raise ScenarioError(
            "The DAG run succeeded but its outputs are not as they should be.\n" + "\n".join(wrong)
        )
    return source, streams
