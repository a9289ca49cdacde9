"""Job schedules: killed at every step, disturbed at every request, there is one, as it was last declared."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from airflow_batch_provider.operators.job_schedule import AzureBatchJobScheduleOperator
from airflow_batch_provider.operators.job_schedule_delete import AzureBatchJobScheduleDeleteOperator
from airflow_batch_provider.spec import JobGraph, JobManager, JobOptions, JobSchedule
from tests.airflow_batch_provider.crashes.airflow import TRIES, Airflow, DagRun
from tests.airflow_batch_provider.crashes.deaths import Deaths
from tests.airflow_batch_provider.crashes.service import POOL, Service
from tests.airflow_batch_provider.crashes.sweeps import FAULTS, die_after_every_step, disturb_every_request

pytestmark = pytest.mark.slow


def schedule(service: Service, airflow: Airflow) -> Callable[[str, Deaths], None]:
    """Gives what plays a schedule that is made, changed and deleted."""

    def once(trouble: str, deaths: Deaths) -> None:
        schedule_id = f"schedule-{uuid.uuid4().hex}"

        def declared(every: timedelta) -> Callable[[], AzureBatchJobScheduleOperator]:
            def make() -> AzureBatchJobScheduleOperator:
                graph = JobGraph()
                graph.task("manage", "0", job_manager=JobManager(), keep_logs=False)
                job_schedule = JobSchedule(schedule_id, graph, JobOptions(POOL), every=every)
                return AzureBatchJobScheduleOperator(
                    task_id="schedule", job_schedule=job_schedule, retries=TRIES
                )

            return make

        def deletion() -> AzureBatchJobScheduleDeleteOperator:
            return AzureBatchJobScheduleDeleteOperator(
                task_id="delete", schedule_id=schedule_id, retries=TRIES
            )

        made = service.done["create_job_schedule"]
        for hours in (2, 3):
            airflow.play(declared(timedelta(hours=hours)), DagRun(f"{hours}-{trouble}", deaths))
        assert service.done["create_job_schedule"] == made + 1
        (held,) = (each for each in service.client.list_job_schedules() if each.id == schedule_id)
        assert held.schedule.recurrence_interval == timedelta(hours=3)
        assert held.execution_info.recent_job.id == f"{schedule_id}:job-1"
        airflow.play(deletion, DagRun(f"delete-{trouble}", deaths))
        assert schedule_id not in [each.id for each in service.client.list_job_schedules()]

    return once


def test_whoever_is_killed_at_any_step_there_is_one_schedule(service: Service, airflow: Airflow) -> None:
    assert die_after_every_step(schedule(service, airflow)) > 5


@pytest.mark.parametrize("kind", FAULTS)
def test_whichever_request_is_disturbed_there_is_one_schedule(
    service: Service, airflow: Airflow, kind: str
) -> None:
    assert disturb_every_request(service, kind, schedule(service, airflow)) > 5
