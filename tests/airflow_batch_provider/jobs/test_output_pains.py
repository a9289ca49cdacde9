"""What users miss most: the output of tasks, live and kept, in both ways of waiting."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.links.job import JOB_LINK_KEY, OUTPUT_LINK_KEY
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import AutoPool, FixedScale, JobGraph, Pool, shell
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.conftest import make_pool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WARNING = json.dumps({"level": "warning", "message": "half way", "percent": 50})


@dataclass
class Told:
    """What became of a job, and what the Airflow log had of it."""

    returned: dict[str, Any]
    said: list[Say]
    pushed: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return [say.text for say in self.said]

    def position(self, words: str) -> int:
        return next(at for at, line in enumerate(self.lines) if words in line)


class _Instance:
    dag_id, task_id, map_index, max_tries = "pains", "job", -1, 0

    def __init__(self) -> None:
        self.run_id = uuid.uuid4().hex
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def graph() -> JobGraph:
    made = JobGraph()
    # It goes on for longer than the look at its output takes to come round.
    made.task("simulate", shell(f"echo started; echo '{WARNING}'; sleep 8; echo finished"))
    made.task("quiet", shell("true"))
    return made


def job(pool: str, *, deferrable: bool) -> AzureBatchJobOperator:
    return AzureBatchJobOperator(
        task_id="job", pool_id=pool, graph=graph(), deferrable=deferrable, poll_interval=0.3
    )


def run(operator: AzureBatchJobOperator) -> Told:
    instance = _Instance()
    said: list[Say] = []
    with pytest.MonkeyPatch.context() as patch:
        for module in ("requests.drive", "jobs.job_run"):
            patch.setattr(f"airflow_batch_provider.client.{module}.log_to", lambda logger: said.append)
        context: Any = {"ti": instance, "run_id": instance.run_id}
        try:
            returned = operator.execute(context)
        except TaskDeferred as deferred:
            returned = operator.resume(context, asyncio.run(_fire(deferred.trigger)))
    return Told(returned, said, instance.pushed)


async def _fire(trigger: Any) -> Any:
    path, arguments = trigger.serialize()
    assert path.endswith("AzureBatchJobTrigger")
    async for event in AzureBatchJobTrigger(**json.loads(json.dumps(arguments))).run():
        return event.payload
    raise AssertionError("no event")


@pytest.fixture(scope="module")
def own_pool(batch: BatchClient) -> str:
    """A pool that a test may delete."""
    return make_pool(batch, nodes=1, slots=2)


@pytest.fixture(scope="module")
def waited(connection: None, own_pool: str) -> Told:
    """A job that a worker waited for."""
    return run(job(own_pool, deferrable=False))


@pytest.fixture(scope="module")
def deferred(connection: None, own_pool: str) -> Told:
    """A job that a triggerer waited for."""
    return run(job(own_pool, deferrable=True))


def test_pain_075_output_is_live_in_the_airflow_log(waited: Told) -> None:
    assert waited.position("[simulate] started") < waited.position("2 of 2 tasks done")
    assert waited.position("[simulate] started") < waited.position("[simulate] finished")


def test_pain_076_and_in_deferrable_mode(deferred: Told) -> None:
    assert deferred.position("[simulate] started") < deferred.position("2 of 2 tasks done")
    assert "[simulate] finished" in deferred.lines


def test_pain_077_logs_and_links_are_there_in_deferrable_mode(deferred: Told) -> None:
    assert deferred.returned["job_id"] in deferred.pushed[JOB_LINK_KEY]
    assert deferred.returned["work"] in deferred.pushed[OUTPUT_LINK_KEY]
    assert "sig=" not in json.dumps(deferred.pushed)


def test_pain_078_links_of_a_job_of_several_tasks_fail_nothing(waited: Told) -> None:
    assert waited.returned["tasks"]["succeeded"] == 2
    assert waited.pushed[OUTPUT_LINK_KEY].endswith(f"/{waited.returned['work']}/")


def test_pain_079_there_are_links_to_job_and_output(waited: Told) -> None:
    assert set(waited.pushed) >= {JOB_LINK_KEY, OUTPUT_LINK_KEY}


def kept(storage: StorageAccess, told: Told, name: str) -> str:
    container, _, prefix = told.returned["work"].partition("/")
    return storage.read_blob(container, f"{prefix}/{name}", 10_000).decode()


def test_pain_080_output_does_not_vanish_with_the_node(waited: Told, storage: StorageAccess) -> None:
    assert "finished" in kept(storage, waited, "simulate/stdout.txt")


def test_pain_081_and_is_left_on_the_node_also(waited: Told, batch: BatchClient) -> None:
    data = b"".join(batch.download_task_file(waited.returned["job_id"], "simulate", "stdout.txt"))
    assert b"finished" in data


def test_pain_084_output_of_tasks_that_still_run_can_be_read(waited: Told) -> None:
    assert waited.position("[simulate] half way") < waited.position("[simulate] finished")


def test_pain_085_progress_of_a_running_simulation_is_shown(deferred: Told) -> None:
    assert Say("[simulate] half way percent=50", "warning") in deferred.said


def test_pain_087_a_task_that_runs_long_shows_why(waited: Told) -> None:
    assert any("running" in line and "tasks done" in line for line in waited.lines)


def test_pain_086_what_is_copied_and_for_how_long_is_kept_on_the_node_is_a_choice(
    connection: None, own_pool: str, storage: StorageAccess, batch: BatchClient
) -> None:
    operator = AzureBatchTaskOperator(
        task_id="job",
        pool_id=own_pool,
        command=shell("echo name of a customer"),
        keep_logs=False,
        retention=timedelta(hours=1),
        log_tasks=False,
        deferrable=False,
        poll_interval=0.3,
    )
    told = run(operator)
    container, _, prefix = told.returned["work"].partition("/")
    client = storage.container_client(container)
    assert list(client.list_blob_names(name_starts_with=f"{prefix}/")) == []
    assert not any("customer" in line for line in told.lines)
    made = batch.get_task(told.returned["job_id"], "task")
    assert made.constraints.retention_time == timedelta(hours=1)
    data = b"".join(batch.download_task_file(told.returned["job_id"], "task", "stdout.txt"))
    assert data == b"name of a customer\n"


@pytest.mark.parametrize("deferrable", [False, True])
def test_output_of_nodes_that_go_with_their_job_is_shown_to_its_end(
    connection: None, deferrable: bool
) -> None:
    auto = AutoPool(Pool(id="brief", vm_size="standard_d2s_v3", scale=FixedScale(spot=1)))
    task = AzureBatchTaskOperator(
        task_id="job", pool_id=auto, command=shell("echo RESULT=42"), deferrable=deferrable
    )
    told = run(task)
    assert "[task] RESULT=42" in told.lines


def test_pain_082_output_can_be_read_once_the_node_is_gone(
    waited: Told, storage: StorageAccess, batch: BatchClient, own_pool: str, deferred: Told
) -> None:
    batch.begin_delete_pool(own_pool, polling_interval=0.2).result()
    assert "half way" in kept(storage, waited, "simulate/stdout.txt")
    assert kept(storage, deferred, "quiet/stdout.txt") == ""
