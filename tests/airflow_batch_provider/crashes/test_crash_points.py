"""Killed at every step, and disturbed at every request: one job, each task once, the same outcome."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from batch_emulator.faults.record import DroppedConnection, Faults, RequestRule, ServerError, Throttling
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow
from tests.airflow_batch_provider.crashes.deaths import Deaths, When
from tests.airflow_batch_provider.crashes.service import Service, serving

pytestmark = pytest.mark.slow

FAULTS: dict[str, Callable[[int], RequestRule]] = {
    "429": lambda skip: Throttling(status=429, retry_after=0, skip=skip, times=1),
    "503": lambda skip: Throttling(status=503, retry_after=0, skip=skip, times=1),
    "500 after the commit": lambda skip: ServerError(when="afterCommit", skip=skip, times=1),
    "answer lost": lambda skip: DroppedConnection(when="afterCommit", skip=skip, times=1),
    "request lost": lambda skip: DroppedConnection(when="beforeCommit", skip=skip, times=1),
}


def plain() -> JobGraph:
    graph = JobGraph()
    first = graph.task("first", "0")
    first >> graph.fan_out("rest", range(3), lambda n: dict(command="0")) >> graph.task("last", "late")
    return graph


def growing() -> JobGraph:
    graph = JobGraph()
    plan = graph.task("plan", "0", outputs=["p.json"], result="p.json")

    def build(numbers: list[int]) -> JobGraph:
        more = graph.more()
        parts = more.fan_out("part", numbers, lambda n: dict(command="0"))
        last = more.task("last", "0", outputs=["l.json"], result="l.json", depends_on=parts)
        more.expand(after=last, build=close)
        return more

    def close(numbers: list[int]) -> JobGraph:
        more = graph.more()
        more.task("close", "0")
        return more

    graph.expand(after=plan, build=build)
    return graph


def failing_at_first() -> JobGraph:
    graph = JobGraph()
    graph.task("good", "0") >> graph.task("bad", "first:3") >> graph.task("last", "late")
    return graph


@dataclass(frozen=True)
class Story:
    """A task, and the tasks that each of its jobs must have in the end."""

    graph: Callable[[], JobGraph]
    jobs: tuple[list[str], ...]


GROWN = ["close", "last", "part-0000", "part-0001", "plan"]
STORIES = {
    "plain": Story(plain, (["first", "last", "rest-0000", "rest-0001", "rest-0002"],)),
    "growing": Story(growing, (GROWN,)),
    "repaired": Story(failing_at_first, (["bad", "good", "last"], ["bad", "last"])),
}


# Each kind of trouble once where a worker waits and once where a triggerer does: all of it takes seconds.
DEATHS = [
    *itertools.product(("plain", "growing"), ("before", "after"), (True, False)),
    ("repaired", "before", False),
    ("repaired", "after", True),
]
DISTURBANCES = [
    *itertools.product(("growing",), FAULTS, (True,)),
    *itertools.product(("plain",), FAULTS, (False,)),
    ("repaired", "500 after the commit", True),
    ("repaired", "answer lost", False),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as made:
        yield made


@pytest.fixture
def airflow(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Airflow]:
    caplog.set_level("WARNING")  # tens of thousands of requests are logged otherwise
    yield Airflow(service, monkeypatch)
    service.faults.set(Faults())


def check(service: Service, story: Story, run_id: str, made: dict[str, Any]) -> None:
    identity = JobIdentity("crashes", run_id, "job", generation=TRIES)
    jobs = service.tasks_of(identity.job_id.removesuffix("1"))
    assert list(jobs.values()) == list(story.jobs)
    for job_id in jobs:
        starts = {task: times for (job, task), times in service.backend.starts.items() if job == job_id}
        # A try that finds a failed task in a job that lives lets it run again; no other runs twice.
        assert {task for task, times in starts.items() if times > 1} <= {"bad"}
    assert made["job_id"] == list(jobs)[-1]
    whole = {task_id for tasks in story.jobs for task_id in tasks}
    assert made["tasks"] == {"total": len(whole), "succeeded": len(whole), "failed": 0}
    assert made["repaired"] == list(jobs)[:-1]
    last = service.client.get_job(made["job_id"])
    assert last.state == "completed"
    assert last.execution_info is not None
    assert last.execution_info.termination_reason == "AllTasksComplete"


@pytest.mark.parametrize(("name", "when", "deferrable"), DEATHS)
def test_pain_149_a_process_killed_at_any_step_leads_to_one_job_with_each_task_once(
    service: Service, airflow: Airflow, name: str, when: When, deferrable: bool
) -> None:
    story = STORIES[name]
    for at in itertools.count(1):
        run_id = f"{name}-{when}-{deferrable}-{at}"
        deaths = Deaths(at, when)
        made = airflow.play(run_id, story.graph, deaths, deferrable=deferrable, on_task_failure="continue")
        check(service, story, run_id, made)
        if not deaths.happened:
            break
    assert at > 12, "there are fewer steps than there must be"


@pytest.mark.parametrize(("name", "fault", "deferrable"), DISTURBANCES)
def test_pain_157_a_request_disturbed_at_any_place_leads_to_one_job_with_each_task_once(
    service: Service, airflow: Airflow, name: str, fault: str, deferrable: bool
) -> None:
    story = STORIES[name]
    for skip in itertools.count():
        run_id = f"{name}-{fault}-{deferrable}-{skip}"
        service.faults.set(Faults(requests=(FAULTS[fault](skip),)))
        made = airflow.play(run_id, story.graph, Deaths(), deferrable=deferrable, on_task_failure="continue")
        struck = service.faults.dice[0].struck
        service.faults.set(Faults())
        check(service, story, run_id, made)
        if not struck:
            break
    assert skip > 8, "there are fewer requests than there must be"
