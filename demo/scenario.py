"""The demo's story: a video is uploaded, a DAG run starts because of it, and its outputs are judged."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from demo.batch_progress import BatchProgress
from demo.outputs import Output, download, list_outputs, upload
from demo.probe import StreamFacts, complaints, find_streams, probe
from demo.processes.tails import tail
from demo.stack import LocalStack
from demo.stack.airflow import TRIGGERER
from demo.stack.airflow_client import DagRun
from demo.stages import Stage, airflow_stages, batch_stages
from demo.video import sample_video
from demo.view import View

__all__ = ["Plan", "Result", "ScenarioError", "play"]

_POLL_SECONDS = 0.4
_PARSE_SECONDS = 90.0
_LISTENING_SECONDS = 30.0
_START_SECONDS = 60.0


class ScenarioError(RuntimeError):
    """The story did not end well. The text has the reason and the end of the log that matters."""


@dataclass(frozen=True)
class Plan:
    """What is played.

    Parameters:
        dag_id: the DAG that the upload starts.
        incoming, outgoing: containers of the upload and of the outputs.
        blob: name of the upload.
        start_within: seconds from the upload to the DAG run that are allowed.
        end_within: seconds for the DAG run.
    """

    dag_id: str = "video_transcode"
    incoming: str = "incoming"
    outgoing: str = "outgoing"
    blob: str = "big_buck_bunny.mp4"
    start_within: float = 5.0
    end_within: float = 600.0


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
    _wait_for_dag(stack, plan.dag_id)
    _wait_for_watcher(stack, view)
    known = {run.run_id for run in stack.airflow.dag_runs(plan.dag_id)}
    video = video or sample_video()
    uploaded = upload(stack.storage, plan.incoming, plan.blob, video)
    view.say(f"Uploaded {stack.storage.blob_endpoint}/{plan.incoming}/{plan.blob}")
    run = _wait_for_run(stack, plan, known)
    latency = ((run.queued_at or run.start_date or uploaded) - uploaded).total_seconds()
    view.say(f"DAG run {run.run_id} was started by it after {latency:.1f} s")
    run, stages = _follow(stack, view, plan, run, uploaded)
    if latency > plan.start_within:
        raise ScenarioError(
            f"The DAG run started {latency:.1f} s after the upload; {plan.start_within:g} s are allowed. "
            "The machine may be too busy. Close other programs and try again. The triggerer's log ends:\n"
            f"{tail(stack.supervisor.log_of(TRIGGERER))}"
        )
    outputs = list_outputs(stack.storage, plan.outgoing, uploaded)
    source, streams = _probe(stack, plan, outputs, video)
    return Result(run, latency, outputs, source, streams, stages)


def _wait(stack: LocalStack, seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        stack.check()
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _wait_for_dag(stack: LocalStack, dag_id: str) -> None:
    def parsed_or_broken() -> bool:
        return stack.airflow.has_dag(dag_id) or bool(stack.airflow.import_errors())

    _wait(stack, _PARSE_SECONDS, parsed_or_broken)
    if stack.airflow.has_dag(dag_id):
        return
    errors = "\n".join(f"{file}:\n{trace.rstrip()}" for file, trace in stack.airflow.import_errors())
    raise ScenarioError(
        f"Airflow does not know the DAG {dag_id}. "
        f"Its file may be missing or broken. See the error below and the log of the dag-processor.\n"
        f"{errors or tail(stack.supervisor.log_of('dag-processor'))}"
    )


def _wait_for_watcher(stack: LocalStack, view: View) -> None:
    """Until the triggerer reads the queue; an upload before that is not lost but starts its run later."""
    log = stack.supervisor.log_of(TRIGGERER)

    def listening() -> bool:
        # Airflow names the trigger of a task by the task, and that of a watcher by its number only.
        return bool(re.search(r"trigger ID \d+ starting", log.read_text(errors="replace")))

    if not _wait(stack, _LISTENING_SECONDS, listening):
        view.say("The triggerer has not said that it reads the queue; uploading all the same")


def _wait_for_run(stack: LocalStack, plan: Plan, known: set[str]) -> DagRun:
    found: list[DagRun] = []

    def started() -> bool:
        found[:] = [run for run in stack.airflow.dag_runs(plan.dag_id) if run.run_id not in known]
        return bool(found)

    if not _wait(stack, _START_SECONDS, started):
        raise ScenarioError(
            f"No run of {plan.dag_id} started within {_START_SECONDS:g} s of the upload. "
            "The blob's event was not delivered or not understood. The local Event Grid's log ends:\n"
            f"{tail(stack.supervisor.log_of('event-grid'), 8)}\nThe triggerer's log ends:\n"
            f"{tail(stack.supervisor.log_of(TRIGGERER))}"
        )
    return found[0]


def _follow(
    stack: LocalStack, view: View, plan: Plan, run: DagRun, since: datetime
) -> tuple[DagRun, list[Stage]]:
    batch = BatchProgress(stack.batch, since) if stack.options.with_emulator else None
    state = [run]
    stages: list[Stage] = []

    def ended() -> bool:
        state[0] = stack.airflow.dag_run(plan.dag_id, run.run_id)
        instances = stack.airflow.task_instances(plan.dag_id, run.run_id)
        stages[:] = airflow_stages(instances) + batch_stages(batch.tasks() if batch else [])
        view.progress(stages)
        return state[0].has_ended

    in_time = _wait(stack, plan.end_within, ended)
    view.end_progress()
    if not in_time:
        raise ScenarioError(
            f"The DAG run has not ended within {plan.end_within:g} s. A task hangs, or the machine is slow. "
            f"See {stack.airflow.url}/dags/{plan.dag_id}/runs/{run.run_id}\n{_task_log(stack, plan, run)}"
        )
    if state[0].state != "success":
        raise ScenarioError(
            f"The DAG run ended as {state[0].state}. "
            "The reason is in the log of the task that failed first.\n"
            f"{_task_log(stack, plan, run)}"
        )
    return state[0], stages


def _task_log(stack: LocalStack, plan: Plan, run: DagRun, lines: int = 40) -> str:
    """The end of the log of the first task that failed, or that is not done."""
    instances = stack.airflow.task_instances(plan.dag_id, run.run_id)
    begun = [item for item in instances if item.start_date is not None and item.state != "success"]
    begun.sort(key=lambda item: (item.state != "failed", item.start_date))
    if not begun:
        return f"The scheduler's log ends:\n{tail(stack.supervisor.log_of('scheduler'))}"
    task = begun[0]
    text = stack.airflow.log(
        plan.dag_id, run.run_id, task.task_id, try_number=task.try_number, map_index=task.map_index
    )
    end = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return f"The log of task {task.task_id} ({task.state}) ends:\n{end}"


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
    wrong = complaints(source, streams)
    if wrong:
        raise ScenarioError(
            "The DAG run succeeded but its outputs are not as they should be.\n" + "\n".join(wrong)
        )
    return source, streams
