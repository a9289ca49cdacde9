"""Killed at every step, and disturbed at every request: one job, each task once, the same outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow


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


def play(service: Service, airflow: Airflow, name: str, deferrable: bool) -> Callable[[str, Deaths], None]:
    """Gives what plays a story, and checks that each task ran once and how the job ended."""
    story = STORIES[name]

    def make() -> AzureBatchJobOperator:
        return AzureBatchJobOperator(
            task_id="job",
            pool_id=POOL,
            graph=story.graph,
            poll_interval=0.01,
            log_tasks=False,
            on_task_failure="continue",
            deferrable=deferrable,
            retries=TRIES,
        )

    def once(trouble: str, deaths: Deaths) -> None:
        run_id = f"{name}-{deferrable}-{trouble}"
        check(service, story, run_id, airflow.play(make, DagRun(run_id, deaths)))

    return once


def check(service: Service, story: Story, run_id: str, made: dict[str, Any]) -> None:
    identity = JobIdentity("crashes", run_id, "job", generation=TRIES)
    jobs = service.tasks_of(identity.job_id.removesuffix("1"))
    assert list(jobs.values()) == list(story.jobs)
    for job_id in jobs:
        # A try that finds a failed task in a job that lives lets it run again; no other runs twice.
        assert {task for task, times in service.starts_in(job_id).items() if times > 1} <= {"bad"}
    assert made["job_id"] == list(jobs)[-1]
    whole = {task_id for tasks in story.jobs for task_id in tasks}
    assert made["tasks"] == {"total": len(whole), "succeeded": len(whole), "failed": 0}
    assert made["repaired"] == list(jobs)[:-1]
    last = service.client.get_job(made["job_id"])
    assert last.state == "completed"
    assert last.execution_info is not None
    assert last.execution_info.termination_reason == "AllTasksComplete"


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("name", STORIES)
def test_pain_149_a_process_killed_at_any_step_leads_to_one_job_with_each_task_once(
    service: Service, airflow: Airflow, name: str, deferrable: bool
) -> None:
    steps = die_after_every_step(play(service, airflow, name, deferrable))
    assert steps > 12, "there are fewer steps than there must be"


# Each kind of trouble once where a worker waits and once where a triggerer does.
@pytest.mark.parametrize(
    ("name", "deferrable"),
    [("growing", True), ("plain", False), ("repaired", True)],
)
@pytest.mark.parametrize("kind", FAULTS)
def test_pain_157_a_request_disturbed_at_any_place_leads_to_one_job_with_each_task_once(
    service: Service, airflow: Airflow, name: str, kind: str, deferrable: bool
) -> None:
    requests = disturb_every_request(service, kind, play(service, airflow, name, deferrable))
    assert requests > 8, "there are fewer requests than there must be"
