"""The whole stack with a real Airflow: the demo's story on a small DAG, and crashes of single components."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from demo.following import ScenarioError
from demo.report import report
from demo.scenario import Plan, play
from demo.stack import LocalStack, StackOptions
from demo.view import View

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAGS = Path(__file__).parent / "dags"
PLAN = Plan(dag_id="shrink", end_within=120.0, due={"small/big_buck_bunny.mp4": 180})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = StackOptions(
        tmp_path_factory.mktemp("stack"),
        DAGS,
        with_emulator=False,
        parallelism=2,
        airflow_env=lambda storage, _: {"SHRINK_STORAGE": storage.connection_string},
    )
    with LocalStack(options) as running:
        yield running


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def view(printed: io.StringIO) -> View:
    return View(Console(file=printed, width=200))


def test_the_story_ends_well_and_is_told(stack: LocalStack, view: View, printed: io.StringIO) -> None:
    result = play(stack, view, PLAN)
    report(stack, view, result)
    assert 0 < result.latency < 5
    (stream,) = result.streams
    assert (stream.width, stream.height, stream.video_codec, stream.audio_codec) == (320, 180, "h264", "aac")
    assert stream.frames == result.source.frames
    text = printed.getvalue()
    for expected in ("encode", "1 of 1 done", "small/big_buck_bunny.mp4", "CC-BY 3.0"):
        assert expected in text
    assert stack.storage.key not in text
    assert "sig=" not in text


def test_a_failed_run_is_told_with_the_log_of_the_task(stack: LocalStack, view: View, tmp_path: Path) -> None:
    """What is no video makes ffmpeg fail; the reason must reach the user."""
    no_video = tmp_path / "notes.txt"
    no_video.write_text("no video")
    with pytest.raises(
        ScenarioError, match=r"(?s)ended as failed.*log of task encode \(failed\).*Invalid data"
    ):
        play(stack, view, Plan(dag_id="shrink", blob="notes.txt", end_within=120.0), no_video)


def test_a_killed_triggerer_comes_back_and_finds_the_blob(stack: LocalStack, view: View) -> None:
    stack.kill("triggerer")
    stack.check()  # a wanted crash is not reported
    assert not stack.supervisor.is_running("triggerer")
    stack.restart("triggerer")
    due = {"small/again.mp4": 180}
    plan = Plan(dag_id="shrink", blob="again.mp4", start_within=60.0, end_within=120.0, due=due)
    result = play(stack, view, plan)
    assert result.run.state == "success"


def test_a_killed_scheduler_comes_back(stack: LocalStack) -> None:
    first = stack.supervisor.pid_of("scheduler")
    stack.kill("scheduler")
    stack.restart("scheduler")
    assert stack.supervisor.pid_of("scheduler") != first
    assert set(stack.airflow.health().values()) == {"healthy"}
