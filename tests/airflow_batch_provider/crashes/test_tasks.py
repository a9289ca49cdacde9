"""Single tasks, and tasks in the job of somebody else: killed at every step, disturbed at every request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import JobGraph
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow

Story = Callable[[Service, Airflow, bool], Callable[[str, Deaths], None]]


def single(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A command as a job of one task."""

    def make() -> AzureBatchTaskOperator:
        return AzureBatchTaskOperator(
            task_id="single",
            pool_id=POOL,
            command="late",
            deferrable=deferrable,
            poll_interval=0.01,
            log_tasks=False,
            retries=TRIES,
        )

    def once(trouble: str, deaths: Deaths) -> None:
        jobs = service.done["create_job"]
        made = airflow.play(make, DagRun(f"single-{deferrable}-{trouble}", deaths))
        assert service.done["create_job"] == jobs + 1
        assert service.starts_in(made["job_id"]) == {"task": 1}
        assert service.client.get_job(made["job_id"]).state == "completed"

    return once


def added(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """Tasks in a job of somebody else, one of which fails at first."""
    graph = JobGraph()
    graph.task("good", "0") >> graph.task("bad", "once:3") >> graph.task("last", "late")

    def once(trouble: str, deaths: Deaths) -> None:
        job_id = f"theirs-{deferrable}-{trouble}"
        job = {"id": job_id, "poolInfo": {"poolId": POOL}, "usesTaskDependencies": True}
        with service.undisturbed():
            service.client.create_job(job)  # type: ignore[arg-type]  # the client takes the wire form as well

        def make() -> AzureBatchJobAddTasksOperator:
            return AzureBatchJobAddTasksOperator(
                task_id="add", job_id=job_id, graph=graph, deferrable=deferrable, poll_interval=0.01
            )

        made = airflow.play(make, DagRun(job_id, deaths))
        assert made["tasks"] == {"total": 3, "succeeded": 3, "failed": 0}
        assert service.starts_in(job_id) == {"good": 1, "bad": 2, "last": 1}
        assert service.client.get_job(job_id).state == "active"

    return once


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("story", [single, added])
def test_whoever_is_killed_at_any_step_each_task_runs_once(
    service: Service, airflow: Airflow, story: Story, deferrable: bool
) -> None:
    assert die_after_every_step(story(service, airflow, deferrable)) > 8


@pytest.mark.parametrize(("kind", "deferrable"), list(zip(FAULTS, (True, False), strict=True)))
@pytest.mark.parametrize("story", [single, added])
def test_whichever_request_is_disturbed_each_task_runs_once(
    service: Service, airflow: Airflow, story: Story, kind: str, deferrable: bool
) -> None:
    assert disturb_every_request(service, kind, story(service, airflow, deferrable)) > 6
