"""Operators that change jobs, schedules and tasks, against a real emulator."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.exceptions import (
    BatchJobConflictError,
    BatchJobTimeoutError,
    BatchRequestError,
)
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job_delete import AzureBatchJobDeleteOperator
from airflow_batch_provider.operators.job_disable import AzureBatchJobDisableOperator
from airflow_batch_provider.operators.job_enable import AzureBatchJobEnableOperator
from airflow_batch_provider.operators.job_reactivate_tasks import AzureBatchJobReactivateTasksOperator
from airflow_batch_provider.operators.job_schedule import AzureBatchJobScheduleOperator
from airflow_batch_provider.operators.job_schedule_delete import AzureBatchJobScheduleDeleteOperator
from airflow_batch_provider.operators.job_schedule_disable import AzureBatchJobScheduleDisableOperator
from airflow_batch_provider.operators.job_schedule_enable import AzureBatchJobScheduleEnableOperator
from airflow_batch_provider.operators.job_schedule_terminate import AzureBatchJobScheduleTerminateOperator
from airflow_batch_provider.operators.job_terminate import AzureBatchJobTerminateOperator
from airflow_batch_provider.operators.state_change import StateChangeOperator
from airflow_batch_provider.spec import JobGraph, JobManager, JobOptions, JobSchedule, SpecError, blob, shell
from airflow_batch_provider.triggers.state_change import AzureBatchStateChangeTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.operators.pools import a_pool_with_a_node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def batch(batch_conn_id: str) -> BatchClient:
    return AzureBatchHook(batch_conn_id).batch_client()


def a_job(batch: BatchClient, pool_id: str = "no-such-pool", *commands: str) -> str:
    job_id = f"job-{uuid.uuid4().hex[:8]}"
    body: Any = {"id": job_id, "poolInfo": {"poolId": pool_id}}
    batch.create_job(body)
    for number, command in enumerate(commands):
        task: Any = {"id": f"t{number}", "commandLine": command}
        batch.create_task(job_id, task)
    return job_id


def carry_out(operator: StateChangeOperator) -> None:
    """Run an operator to its end, its wait in a trigger made from what is stored of it."""
    try:
        operator.execute({})
    except TaskDeferred as deferred:
        path, arguments = deferred.trigger.serialize()
        assert path.endswith("AzureBatchStateChangeTrigger")
        event = asyncio.run(first_event(AzureBatchStateChangeTrigger(**arguments)))
        getattr(operator, deferred.method_name)({}, event)


async def first_event(trigger: AzureBatchStateChangeTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AssertionError("the trigger ended without an event")


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_job_is_disabled_enabled_ended_and_deleted_each_as_often_as_asked(
    batch: BatchClient, batch_conn_id: str, deferrable: bool
) -> None:
    job_id = a_job(batch)
    common: dict[str, Any] = {"task_id": "t", "conn_id": batch_conn_id, "job_id": job_id}
    common["deferrable"] = deferrable
    for _ in range(2):
        carry_out(AzureBatchJobDisableOperator(running_tasks="wait", **common))
        assert batch.get_job(job_id).state == "disabled"
    for _ in range(2):
        carry_out(AzureBatchJobEnableOperator(**common))
        assert batch.get_job(job_id).state == "active"
    for _ in range(2):
        carry_out(AzureBatchJobTerminateOperator(reason="enough", **common))
        job = batch.get_job(job_id)
        assert (job.state, job.execution_info.termination_reason) == ("completed", "enough")
    carry_out(AzureBatchJobDisableOperator(**common))
    with pytest.raises(BatchRequestError, match=r"(?s)JobCompleted.*Likely cause"):
        carry_out(AzureBatchJobEnableOperator(**common))
    for _ in range(2):
        carry_out(AzureBatchJobDeleteOperator(**common))
        assert job_id not in [each.id for each in batch.list_jobs()]
    carry_out(AzureBatchJobTerminateOperator(**common))
    for change in (AzureBatchJobEnableOperator, AzureBatchJobDisableOperator):
        with pytest.raises(BatchRequestError, match=rf"the account has no job '{job_id}' \(404 JobNotFound"):
            carry_out(change(**common))


def test_what_ends_while_it_is_being_enabled_is_not_waited_for(
    batch: BatchClient, batch_conn_id: str
) -> None:
    job_id = a_job(batch)
    common: dict[str, Any] = {"task_id": "t", "conn_id": batch_conn_id}
    carry_out(AzureBatchJobTerminateOperator(job_id=job_id, **common))
    enable = AzureBatchJobEnableOperator(job_id=job_id, **common)
    trigger = AzureBatchStateChangeTrigger(batch_conn_id, "enable_job", job_id, time.time() + 3600)
    with pytest.raises(
        BatchRequestError, match=r"is completed: it cannot be enabled any more(?s:.*)Next step"
    ):
        enable.execute_complete({}, asyncio.run(first_event(trigger)))
    schedule = AzureBatchJobScheduleEnableOperator(schedule_id="gone", **common)
    trigger = AzureBatchStateChangeTrigger(batch_conn_id, "enable_schedule", "gone", time.time() + 3600)
    with pytest.raises(BatchRequestError, match="schedule gone does not exist any more: it cannot"):
        schedule.execute_complete({}, asyncio.run(first_event(trigger)))


def test_an_end_that_takes_its_time_is_waited_for_in_the_triggerer(
    batch: BatchClient, batch_conn_id: str, tmp_path: Path
) -> None:
    pool_id = a_pool_with_a_node(batch)
    told = tmp_path / "end"
    release = f"/bin/sh -c 'until test -e {told}; do sleep 0.1; done'"
    job_id = f"job-{uuid.uuid4().hex[:8]}"
    body: Any = {
        "id": job_id,
        "poolInfo": {"poolId": pool_id},
        "jobPreparationTask": {"commandLine": "/bin/true"},
        "jobReleaseTask": {"commandLine": release, "userIdentity": {"autoUser": {"elevationLevel": "admin"}}},
    }
    batch.create_job(body)
    task: Any = {"id": "t", "commandLine": "/bin/sleep 100"}
    batch.create_task(job_id, task)
    wait_until(lambda: batch.get_task(job_id, "t").state == "running")
    common: dict[str, Any] = {"task_id": "t", "conn_id": batch_conn_id, "job_id": job_id}
    with pytest.raises(BatchJobTimeoutError, match=r"(?s)is terminating.*let Airflow retry"):
        carry_out(AzureBatchJobTerminateOperator(timeout=timedelta(seconds=0), **common))
    operator = AzureBatchJobTerminateOperator(**common)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})
    told.touch()
    operator.execute_complete({}, asyncio.run(first_event(deferred.value.trigger)))
    assert batch.get_job(job_id).state == "completed"
    assert batch.get_task(job_id, "t").execution_info.failure_info.code == "TaskEnded"


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_tasks_that_failed_run_again(batch: BatchClient, batch_conn_id: str) -> None:
    pool_id = a_pool_with_a_node(batch)
    job_id = a_job(batch, pool_id, "/bin/false", "/bin/true", "/bin/false")
    done = lambda: all(task.state == "completed" for task in batch.list_tasks(job_id))  # noqa: E731
    wait_until(done)
    operator = AzureBatchJobReactivateTasksOperator(task_id="t", conn_id=batch_conn_id, job_id=job_id)
    assert operator.execute({}) == ["t0", "t2"]
    wait_until(done)
    operator.task_ids = ["t1", "t2"]
    assert operator.execute({}) == ["t2"]
    operator.task_ids = ["t9"]
    with pytest.raises(BatchRequestError, match="TaskNotFound"):
        operator.execute({})
    carry_out(AzureBatchJobTerminateOperator(task_id="t", conn_id=batch_conn_id, job_id=job_id,
                                             deferrable=False))  # fmt: skip
    operator.task_ids = ["t1"]
    with pytest.raises(BatchRequestError, match="JobCompleted"):
        operator.execute({})


def a_schedule(schedule_id: str, every: timedelta = timedelta(days=1), **options: Any) -> JobSchedule:
    graph = JobGraph()
    options = {"job_manager": JobManager(), "keep_logs": False, **options}
    graph.task("manage", shell("exit 0"), **options)
    return JobSchedule(schedule_id, graph, JobOptions("no-such-pool"), every=every)


def make(conn_id: str, schedule: JobSchedule, task_id: str = "t") -> str:
    operator = AzureBatchJobScheduleOperator(task_id=task_id, conn_id=conn_id, job_schedule=schedule)
    return operator.execute({})


def test_a_schedule_is_made_changed_disabled_enabled_ended_and_deleted(
    batch: BatchClient, batch_conn_id: str
) -> None:
    schedule_id = f"schedule-{uuid.uuid4().hex[:8]}"
    assert make(batch_conn_id, a_schedule(schedule_id)) == schedule_id
    first = batch.get_job_schedule(schedule_id)
    assert batch.get_job(first.execution_info.recent_job.id).job_manager_task.id == "manage"
    make(batch_conn_id, a_schedule(schedule_id))
    assert batch.get_job_schedule(schedule_id).last_modified == first.last_modified
    make(batch_conn_id, a_schedule(schedule_id, timedelta(hours=2)))
    assert batch.get_job_schedule(schedule_id).schedule.recurrence_interval == timedelta(hours=2)
    with pytest.raises(BatchJobConflictError, match="did not make"):
        make(batch_conn_id, a_schedule(schedule_id), task_id="another")
    common: dict[str, Any] = {"task_id": "t", "conn_id": batch_conn_id, "schedule_id": schedule_id}
    steps: list[tuple[type[StateChangeOperator], str]] = [
        (AzureBatchJobScheduleDisableOperator, "disabled"),
        (AzureBatchJobScheduleEnableOperator, "active"),
        (AzureBatchJobScheduleTerminateOperator, "completed"),
    ]
    for kind, state in steps:
        for _ in range(2):
            carry_out(kind(**common))
            assert batch.get_job_schedule(schedule_id).state == state
    with pytest.raises(BatchJobConflictError, match="is completed and makes no more jobs"):
        make(batch_conn_id, a_schedule(schedule_id))
    for _ in range(2):
        carry_out(AzureBatchJobScheduleDeleteOperator(**common))
        assert schedule_id not in [each.id for each in batch.list_job_schedules()]


def test_a_schedule_takes_no_access_that_would_run_out(batch_conn_id: str) -> None:
    schedule = a_schedule("files", outputs={"a": blob("outgoing/a")})
    with pytest.raises(SpecError, match="node_identity"):
        make(batch_conn_id, schedule)


def test_mistakes_are_errors_when_the_dag_is_parsed() -> None:
    with pytest.raises(SpecError, match="'requeue', 'terminate', 'wait'"):
        AzureBatchJobDisableOperator(task_id="t", job_id="j", running_tasks="stop")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="job_id is ' '"):
        AzureBatchJobDeleteOperator(task_id="t", job_id=" ")
    with pytest.raises(SpecError, match="Give a timedelta"):
        AzureBatchJobDeleteOperator(task_id="t", job_id="j", timeout=5)
    with pytest.raises(SpecError, match=r"Give a list: task_ids=\['a'\]"):
        AzureBatchJobReactivateTasksOperator(task_id="t", job_id="j", task_ids="a")
    with pytest.raises(SpecError, match=r"It is JobSchedule\("):
        AzureBatchJobScheduleOperator(task_id="t", job_schedule="nightly")  # type: ignore[arg-type]
