"""Operators of pools: killed at every step, disturbed at every request, they ask for nothing twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.pool_resize import AzureBatchPoolResizeOperator
from airflow_batch_provider.spec import FixedScale, Pool
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow

Story = Callable[[Service, Airflow, bool], Callable[[str, Deaths], None]]
CHANGES = ("create_pool", "delete_pool", "resize_pool")


def a_pool(pool_id: str, vm_size: str = "standard_d2s_v3") -> Pool:
    return Pool(id=pool_id, vm_size=vm_size, scale=FixedScale(spot=1))


def played(
    service: Service, airflow: Airflow, make: Callable[[], object], deaths: Deaths, *expected: str
) -> None:
    """Play an operator, and check which changes the service has carried out, and the nodes that there are."""
    before = {name: service.done[name] for name in CHANGES}
    pool_id = airflow.play(make, DagRun("run", deaths))
    changes = {name: service.done[name] - times for name, times in before.items()}
    if changes["resize_pool"] == 2 and not deaths.happened:
        changes["resize_pool"] = 1  # asked for again, the answer being lost: to the same size, which is none
    assert changes == {name: int(name in expected) for name in CHANGES}
    pool = service.client.get_pool(pool_id)
    assert pool.allocation_state == "steady"
    assert [node.state for node in service.client.list_nodes(pool_id)] == ["idle"] * (
        pool.target_low_priority_nodes or 0
    )


def ensured(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A pool that is not there."""

    def once(trouble: str, deaths: Deaths) -> None:
        pool = a_pool(f"ensured-{uuid.uuid4().hex}")

        def make() -> AzureBatchPoolOperator:
            return AzureBatchPoolOperator(
                task_id="pool", batch_pool=pool, deferrable=deferrable, retries=TRIES
            )

        played(service, airflow, make, deaths, "create_pool")
        clean_up(service, pool.id)

    return once


def recreated(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A pool that is there with another size of nodes."""

    def once(trouble: str, deaths: Deaths) -> None:
        pool_id = f"recreated-{uuid.uuid4().hex}"

        def make(vm_size: str = "standard_d4s_v3") -> AzureBatchPoolOperator:
            return AzureBatchPoolOperator(
                task_id="pool",
                batch_pool=a_pool(pool_id, vm_size),
                on_drift="recreate",
                deferrable=deferrable,
                retries=TRIES,
            )

        with service.undisturbed():
            airflow.play(lambda: make("standard_d2s_v3"), DagRun("before", Deaths()))
        played(service, airflow, make, deaths, "delete_pool", "create_pool")
        clean_up(service, pool_id)

    return once


def resized(service: Service, airflow: Airflow, deferrable: bool) -> Callable[[str, Deaths], None]:
    """A pool that is given a node more or less each time."""
    pool = a_pool(f"resized-{uuid.uuid4().hex}")
    airflow.play(lambda: AzureBatchPoolOperator(task_id="pool", batch_pool=pool), DagRun("before", Deaths()))

    def once(trouble: str, deaths: Deaths) -> None:
        with service.undisturbed():
            nodes = 3 - (service.client.get_pool(pool.id).target_low_priority_nodes or 0)

        def make() -> AzureBatchPoolResizeOperator:
            return AzureBatchPoolResizeOperator(
                task_id="resize", pool_id=pool.id, spot=nodes, deferrable=deferrable, retries=TRIES
            )

        played(service, airflow, make, deaths, "resize_pool")

    return once


def clean_up(service: Service, pool_id: str) -> None:
    with service.undisturbed():
        service.client.begin_delete_pool(pool_id, polling_interval=0)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("story", [ensured, recreated, resized])
def test_whoever_is_killed_at_any_step_nothing_is_asked_for_twice(
    service: Service, airflow: Airflow, story: Story, deferrable: bool
) -> None:
    assert die_after_every_step(story(service, airflow, deferrable)) > 3


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("story", [ensured, recreated, resized])
def test_whichever_request_is_disturbed_nothing_is_asked_for_twice(
    service: Service, airflow: Airflow, story: Story, kind: str
) -> None:
    assert disturb_every_request(service, kind, story(service, airflow, True)) > 2
