"""A task group whose processes are killed at every step, and whose requests are disturbed one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from airflow.sdk import DAG

from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow

WHOLE = ("submit", "fit", "last", "end")
STARTS = {"fit": 2, "last": 1}


class Group:
    """A group of two, the first of which fails at first, and its DAG run."""

    def __init__(self, airflow: Airflow, service: Service, run: DagRun, deferrable: bool) -> None:
        self._airflow, self._service, self._deferrable = airflow, service, deferrable
        self._known: set[str] = set()
        self.run = run

    def play(self, names: tuple[str, ...], starts: Mapping[str, int]) -> None:
        """Run tasks of the group. All that are members must be in one new job, in which each task is started
        as often as is said; nothing may be left alive."""
        made = [self._airflow.play(partial(self._operator, name), self.run) for name in names]
        jobs = self._service.of_run(self.run.run_id) - self._known
        assert {each["job_id"] for each in made if each and "exit_code" in each} == jobs
        assert [self._service.starts_in(job_id) for job_id in jobs] == [starts]
        assert {self._service.client.get_job(job_id).state for job_id in jobs} == {"completed"}
        self._known |= jobs

    def clear(self, names: tuple[str, ...], *, counted: bool) -> None:
        self.run.clear(*(f"g.{name}" for name in names), counted=counted)

    def _operator(self, name: str) -> object:
        with (
            DAG("crashes", schedule=None, default_args={"retries": TRIES}),
            AzureBatchJobTaskGroup(
                "g", pool_id=POOL, deferrable=self._deferrable, poll_interval=0.01, log_output=False
            ) as job,
        ):
            job.task("fit", "once:3") >> job.task("last", "late")
        return job.dag.get_task(f"g.{name}")


def whole(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """Gives what plays a run of the group."""

    def once(trouble: str, deaths: Deaths) -> None:
        group = Group(airflow, service, DagRun(f"{trouble}-{deferrable}", deaths), deferrable)
        group.play(WHOLE, STARTS)

    return once


def cleared(
    service: Service,
    airflow: Airflow,
    deferrable: bool,
    starts: Mapping[str, int],
    *names: str,
    counted: bool = True,
) -> Callable[[str, Deaths], None]:
    """Gives what clears tasks in a run that has succeeded, and plays what comes of it."""
    group = Group(airflow, service, DagRun(uuid.uuid4().hex, Deaths()), deferrable)
    group.play(WHOLE, STARTS)

    def once(trouble: str, deaths: Deaths) -> None:
        group.run.deaths = deaths
        group.clear(names, counted=counted)
        group.play(names, starts)

    return once


@pytest.mark.parametrize("deferrable", [True, False])
def test_whoever_is_killed_at_any_step_the_group_is_one_job(
    service: Service, airflow: Airflow, deferrable: bool
) -> None:
    assert die_after_every_step(whole(service, airflow, deferrable)) > 20


@pytest.mark.parametrize(("deferrable", "counted"), [(True, True), (False, True), (False, False)])
def test_whoever_is_killed_at_any_step_a_cleared_member_runs_alone_and_once(
    service: Service, airflow: Airflow, deferrable: bool, counted: bool
) -> None:
    story = cleared(service, airflow, deferrable, {"last": 1}, "last", counted=counted)
    assert die_after_every_step(story) > 8


def test_whoever_is_killed_at_any_step_what_was_cleared_with_its_submission_runs_once_in_one_more_job(
    service: Service, airflow: Airflow
) -> None:
    story = cleared(service, airflow, True, {"last": 1}, "submit", "last", "end", counted=False)
    assert die_after_every_step(story) > 15


@pytest.mark.parametrize(("kind", "deferrable"), list(zip(FAULTS, (True, False), strict=True)))
def test_whichever_request_is_disturbed_the_group_is_one_job(
    service: Service, airflow: Airflow, kind: str, deferrable: bool
) -> None:
    assert disturb_every_request(service, kind, whole(service, airflow, deferrable)) > 15


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_request_is_disturbed_a_cleared_member_runs_alone_and_once(
    service: Service, airflow: Airflow, kind: str
) -> None:
    story = cleared(service, airflow, False, {"last": 1}, "last")
    assert disturb_every_request(service, kind, story) > 5
