"""Tasks as the official operator is told to run them: killed at every step, disturbed at every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow

AN_AGE = 10_000_000
"""Minutes: the clock of the service stands still, in a year gone by."""

Story = Callable[[Service, Airflow, bool], Callable[[str, Deaths], None]]


def official(job_id: str, deferrable: bool, **more: Any) -> Callable[[], AzureBatchOperator]:
    """Gives what makes the operator, in each process anew."""

    def make() -> AzureBatchOperator:
        return AzureBatchOperator(
            task_id="official",
            batch_pool_id=POOL,
            batch_pool_vm_size="standard_d4s_v3",
            batch_job_id=job_id,
            batch_task_id="work",
            batch_task_command_line="late",
            vm_node_agent_sku_id="batch.node.ubuntu 22.04",
            vm_publisher="canonical",
            vm_offer="0001-com-ubuntu-server-jammy",
            vm_sku="22_04-lts",
            target_low_priority_nodes=1,
            deferrable=deferrable,
            poll_interval=1,
            timeout=AN_AGE,
            retries=TRIES,
            **more,
        )

    return make


def alone(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A job that is made for the task, and ends with it."""

    def once(trouble: str, deaths: Deaths) -> None:
        job_id = f"alone-{deferrable}-{trouble}"
        made = airflow.play(official(job_id, deferrable), DagRun(job_id, deaths))
        assert (made["job_id"], made["task_id"]) == (job_id, "work")
        assert service.tasks_of(job_id) == {job_id: ["work"]}
        assert service.starts_in(job_id) == {"work": 1}
        assert service.client.get_job(job_id).state == "completed"

    return once


def shared(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A job of somebody else, in which another run has put a task of the same id."""

    def once(trouble: str, deaths: Deaths) -> None:
        job_id = f"shared-{deferrable}-{trouble}"
        make = official(job_id, deferrable)
        with service.undisturbed():
            service.client.create_job({"id": job_id, "poolInfo": {"poolId": POOL}})  # type: ignore[arg-type]
            theirs = airflow.play(make, DagRun("theirs", Deaths()))
        mine = airflow.play(make, DagRun(job_id, deaths))
        assert theirs["task_id"] == "work" != mine["task_id"]
        assert service.starts_in(job_id) == {"work": 1, mine["task_id"]: 1}
        assert service.client.get_job(job_id).state == "active"

    return once


def deleted(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A job that is deleted afterwards."""

    def once(trouble: str, deaths: Deaths) -> None:
        job_id = f"deleted-{deferrable}-{trouble}"
        airflow.play(official(job_id, deferrable, should_delete_job=True), DagRun(job_id, deaths))
        assert service.starts_in(job_id) == {"work": 1}
        assert service.tasks_of(job_id) == {}

    return once


STORIES = (alone, shared, deleted)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("story", STORIES)
def test_whoever_is_killed_at_any_step_the_task_runs_once(
    service: Service, airflow: Airflow, story: Story, deferrable: bool
) -> None:
    assert die_after_every_step(story(service, airflow, deferrable)) > 8


@pytest.mark.parametrize(("kind", "deferrable"), list(zip(FAULTS, (True, False), strict=True)))
@pytest.mark.parametrize("story", STORIES)
def test_whichever_request_is_disturbed_the_task_runs_once(
    service: Service, airflow: Airflow, story: Story, kind: str, deferrable: bool
) -> None:
    assert disturb_every_request(service, kind, story(service, airflow, deferrable)) > 6
