"""The operators of a group against a real emulator: who submits what, and what runs again where."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from azure.batch import BatchClient

from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.tasks.member_run import MemberRun
from airflow_batch_provider.exceptions import (
    BatchJobFailedError,
    BatchJobTimeoutError,
    BatchRequestHopelessError,
)
from airflow_batch_provider.links.job import OUTPUT_LINK_KEY
from airflow_batch_provider.spec import blob, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
from airflow_batch_provider.triggers.member import AzureBatchMemberTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.task_groups.groups_in_airflow import noted, once

pytestmark = pytest.mark.slow


class Run:
    """A DAG run as far as operators look at it: states, XComs, tries and clears of its task instances.

    Parameters:
        pool, folder: where commands run, and where they note it.
        conn_id: the Airflow connection.
    """

    def __init__(self, pool: str, folder: Path, conn_id: str) -> None:
        folder.chmod(0o777)
        self.id, self.pool, self.folder, self.conn_id = uuid.uuid4().hex, pool, folder, conn_id
        self.clear_number = 0
        self.states: dict[str, str | None] = {}
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.tries: dict[str, int] = {}
        self.max_tries: dict[str, int] = {}
        self.fit = "fit"
        self.environment: dict[str, str] = {}
        self.waits: dict[str, Any] = {"deferrable": False}

    def group(self) -> AzureBatchJobTaskGroup:
        """As the DAG file makes it, in each process anew."""
        with (
            DAG("groups", schedule=None, default_args={"retries": 3}),
            AzureBatchJobTaskGroup(
                "g", pool_id=self.pool, conn_id=self.conn_id, poll_interval=0.2, **self.waits
            ) as job,
        ):
            prep = job.task("prep", noted(self.folder, "prep", "echo data > x"), outputs=["x"])
            fit = job.task(
                "fit",
                noted(self.folder, self.fit, f"{once(self.folder, 'once')}; cat x"),
                inputs={"x": prep.output("x")},
                environment=self.environment,
            )
            fit >> job.task("last", noted(self.folder, "last"))
        return job

    def run(self, name: str) -> Any:
        """One try of a task in a process of its own."""
        job = self.group()
        operator: Any = job.dag.get_task(f"g.{name}")
        instance = Instance(self, operator)
        self.tries[operator.task_id] = instance.try_number
        try:
            made = operator.execute({"ti": instance, "dag_run": self, "run_id": self.id})
        except BatchJobFailedError:
            self.states[operator.task_id] = "failed"
            raise
        self.states[operator.task_id] = "success"
        self.xcoms[operator.task_id, "return_value"] = made
        return made

    def clear(self, *names: str) -> None:
        self.clear_number += 1
        for task_id in (f"g.{name}" for name in names):
            self.states[task_id] = None
            self.max_tries[task_id] = self.tries.get(task_id, 0) + 3

    @property
    def notes(self) -> list[str]:
        return [line.partition(" ")[0] for line in (self.folder / "runs").read_text().splitlines()]


class Instance:
    """A task instance as far as operators look at it."""

    def __init__(self, run: Run, operator: Any) -> None:
        self._run = run
        self.dag_id, self.run_id, self.task_id, self.map_index = "groups", run.id, operator.task_id, -1
        self.try_number = run.tries.get(self.task_id, 0) + 1
        self.max_tries = run.max_tries.get(self.task_id, operator.retries)

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str | None]]:
        assert (dag_id, run_ids) == ("groups", [self.run_id])
        return {self.run_id: self._run.states}

    def xcom_pull(self, task_ids: str, map_indexes: int) -> Any:
        return self._run.xcoms.get((task_ids, "return_value"))

    def xcom_push(self, key: str, value: Any) -> None:
        self._run.xcoms[self.task_id, key] = value


@pytest.fixture
def run(pool: str, tmp_path: Path, batch_conn_id: str) -> Run:
    return Run(pool, tmp_path, batch_conn_id)


def tasks_of(batch: BatchClient, job_id: str) -> set[str]:
    return {str(task.id) for task in batch.list_tasks(job_id)}


def failing(run: Run) -> str:
    """The job, after ``fit`` has failed in it."""
    job_id: str = run.run("submit")["job_id"]
    assert run.run("prep")["job_id"] == job_id
    with pytest.raises(BatchJobFailedError, match="not yet") as failure:
        run.run("fit")
    assert failure.value.codes == ("FailureExitCode",)
    return job_id


def test_a_submission_that_is_tried_again_finds_its_job(run: Run, batch: BatchClient) -> None:
    first = run.run("submit")
    run.states.clear()  # As if the worker was lost before Airflow heard of it.
    assert run.run("submit") == {**first, "launch": 2}
    assert tasks_of(batch, first["job_id"]) == {"prep", "fit", "last"}


class Late(Run):
    """One whose only member has no time to wait for a node."""

    def group(self) -> AzureBatchJobTaskGroup:
        with (
            DAG("groups", schedule=None),
            AzureBatchJobTaskGroup(
                "g",
                pool_id=self.pool,
                conn_id=self.conn_id,
                deferrable=False,
                timeout=timedelta(seconds=1),
            ) as job,
        ):
            job.task("slow", shell("true"), inputs={"x": blob("read/x")}, outputs={"y": blob("written/y")})
        return job


def test_a_member_tells_after_its_timeout_what_it_was_to_read_and_write(
    empty_pool: str, tmp_path: Path, batch_conn_id: str
) -> None:
    late = Late(empty_pool, tmp_path, batch_conn_id)
    late.run("submit")
    member: Any = late.group().dag.get_task("g.slow")
    with pytest.raises(BatchJobTimeoutError):
        member.execute({"ti": Instance(late, member), "dag_run": late, "run_id": late.id})
    told = member.lineage
    assert [each.name for each in (*told.inputs, *told.outputs)] == ["x", "y"]


def test_the_output_link_of_a_member_leads_to_the_folder_of_its_task(
    run: Run, storage: StorageAccess
) -> None:
    run.run("submit")
    work = run.run("prep")["work"]
    url = run.xcoms["g.prep", OUTPUT_LINK_KEY]
    assert url.endswith(f"/{work}/")
    container, _, folder = work.partition("/")
    assert storage.read_blob(container, f"{folder}/x", 10) == b"data\n"
    operator: Any = run.group().dag.get_task("g.prep")
    assert "Batch output" in [link.name for link in operator.operator_extra_links]


def test_a_retry_reactivates_in_the_living_job_and_what_waits_there_goes_on(run: Run) -> None:
    job_id = failing(run)
    assert run.run("fit")["job_id"] == job_id
    assert run.run("last")["job_id"] == job_id
    assert sorted(run.notes) == ["fit", "fit", "last", "prep"]


def test_a_retry_when_the_job_has_ended_runs_in_a_job_of_its_own_and_dependents_follow(
    run: Run, batch: BatchClient
) -> None:
    job_id = failing(run)
    run.run("end")
    alone = run.run("fit")
    assert alone["job_id"] != job_id
    assert tasks_of(batch, alone["job_id"]) == {"fit"}
    assert run.run("last")["job_id"] not in (job_id, alone["job_id"])
    assert sorted(run.notes) == ["fit", "fit", "last", "prep"]


def test_a_member_whose_task_is_too_large_ends_the_job_of_its_own(run: Run, batch: BatchClient) -> None:
    failing(run)
    run.environment = {f"PART_{number}": "x" * 60_000 for number in range(20)}
    with pytest.raises(BatchRequestHopelessError):
        run.run("fit")
    marks = [{"name": "airflow-run", "value": run.id}, {"name": "airflow-task", "value": "g.fit"}]
    (own,) = (job for job in batch.list_jobs() if all(mark in job.get("metadata", ()) for mark in marks))
    assert own.state in ("terminating", "completed")


def test_a_changed_command_is_what_the_retry_runs(run: Run, batch: BatchClient) -> None:
    job_id = failing(run)
    run.fit = "mended"
    alone = run.run("fit")["job_id"]
    assert alone != job_id
    assert run.notes == ["prep", "fit", "mended"]
    # In the first job it would wait for ever: its parent has failed there.
    assert run.run("last")["job_id"] not in (job_id, alone)
    assert batch.get_task(job_id, "last")["state"] == "completed"


def test_clearing_while_the_job_lives_goes_on_in_it(run: Run) -> None:
    job_id = failing(run)
    run.clear("submit", "fit", "last", "end")
    assert run.run("submit")["job_id"] == job_id
    assert run.run("fit")["job_id"] == job_id
    assert run.run("last")["job_id"] == job_id
    assert sorted(run.notes) == ["fit", "fit", "last", "prep"]


def test_clearing_a_succeeded_task_runs_it_and_what_depends_on_it_in_one_more_job(
    run: Run, batch: BatchClient
) -> None:
    job_id = failing(run)
    run.run("fit")
    run.run("last")
    run.clear("submit", "fit", "last", "end")
    again: str = run.run("submit")["job_id"]
    assert again != job_id
    assert tasks_of(batch, again) == {"fit", "last"}
    assert run.run("fit")["job_id"] == again
    assert run.run("last")["job_id"] == again
    run.run("end")
    assert {batch.get_job(each)["state"] for each in (job_id, again)} <= {"terminating", "completed"}
    assert run.notes.count("prep") == 1


def test_clearing_one_task_alone_runs_it_alone_and_once(run: Run, batch: BatchClient) -> None:
    job_id = failing(run)
    run.run("fit")
    run.run("last")
    run.run("end")
    run.clear("fit")
    alone = run.run("fit")["job_id"]
    assert alone != job_id
    assert run.run("fit")["job_id"] == alone  # As if the worker was lost before Airflow heard of it.
    assert sorted(run.notes) == ["fit", "fit", "fit", "last", "prep"]


def test_clearing_the_group_runs_it_anew(run: Run) -> None:
    job_id = failing(run)
    run.run("end")
    run.clear("submit", "prep", "fit", "last", "end")
    again = run.run("submit")["job_id"]
    assert again != job_id
    assert {run.run(name)["job_id"] for name in ("prep", "fit", "last")} == {again}
    assert sorted(run.notes) == ["fit", "fit", "last", "prep", "prep"]


def test_a_job_that_somebody_ends_is_told_of(run: Run, batch: BatchClient, empty_pool: str) -> None:
    run.pool = empty_pool
    job_id = run.run("submit")["job_id"]
    run.run("end")
    with pytest.raises(BatchJobFailedError, match=f"prep of Batch job {job_id} never ran"):
        run.run("prep")


def test_commands_see_the_conf_of_the_run(run: Run, batch: BatchClient) -> None:
    with (
        DAG("groups", schedule=None),
        AzureBatchJobTaskGroup("g", pool_id=run.pool, conn_id=run.conn_id) as job,
    ):
        job.task("say", shell("echo {{ run_id }}"))
    instance = Instance(run, job.launcher)
    told = job.launcher.execute({"ti": instance, "dag_run": run, "run_id": run.id})  # type: ignore[typeddict-item]
    assert run.id in str(batch.get_task(told["job_id"], "say").command_line)


def test_a_member_whose_time_is_over_is_ended_and_counted_alone(run: Run, batch: BatchClient) -> None:
    job_id = run.run("submit")["job_id"]
    graph = run.group().batch_graph()
    outcomes: list[Outcome] = []
    late = MemberRun(
        graph.only([graph.spec("last")]), batch, None, logging.getLogger("t"), measure=outcomes.append
    )
    assert "was not done within" in str(late.end_late(job_id, ""))
    assert batch.get_task(job_id, "last").state == "completed"
    assert batch.get_job(job_id).state == "active"
    assert [(each.cause, each.succeeded, each.job and each.job.pool_id) for each in outcomes] == [
        (Layer.WALL_CLOCK, False, run.pool)
    ]


UNSTARTED = r"prep of Batch job .* did not start within start_timeout=0\.05 minutes and is being ended"


async def fired(row: dict[str, Any]) -> dict[str, Any]:
    async for event in AzureBatchMemberTrigger(**json.loads(json.dumps(row))).run():
        made: dict[str, Any] = json.loads(json.dumps(event.payload))
        return made
    raise AssertionError("no event")


def deferred(run: Run, name: str) -> dict[str, Any]:
    with pytest.raises(TaskDeferred) as waits:
        run.run(name)
    row: dict[str, Any] = waits.value.trigger.serialize()[1]
    return row


def resumed(run: Run, name: str, event: dict[str, Any]) -> Any:
    operator: Any = run.group().dag.get_task(f"g.{name}")
    return operator.resume({"ti": Instance(run, operator), "dag_run": run, "run_id": run.id}, event)


def test_a_member_that_gets_no_node_is_ended_in_a_worker(
    run: Run, batch: BatchClient, empty_pool: str
) -> None:
    run.pool, run.waits = empty_pool, {"deferrable": False, "start_timeout": timedelta(seconds=3)}
    job_id = run.run("submit")["job_id"]
    with pytest.raises(BatchJobTimeoutError, match=UNSTARTED):
        run.run("prep")
    assert batch.get_task(job_id, "prep").state == "completed"
    assert batch.get_job(job_id).state == "active"


async def test_a_member_that_gets_no_node_is_ended_after_the_triggerer_and_each_try_has_its_time(
    run: Run, batch: BatchClient, empty_pool: str
) -> None:
    run.pool, run.waits = empty_pool, {"start_timeout": timedelta(seconds=3)}
    job_id = (await asyncio.to_thread(run.run, "submit"))["job_id"]
    event = await fired(await asyncio.to_thread(deferred, run, "prep"))
    assert event["ending"] == "unstarted"
    with pytest.raises(BatchJobTimeoutError, match=UNSTARTED):
        await asyncio.to_thread(resumed, run, "prep", event)
    assert batch.get_task(job_id, "prep").state == "completed"
    run.states["g.prep"] = "failed"
    for again in (lambda: None, lambda: run.clear("prep")):
        again()
        begun = time.time()
        row = await asyncio.to_thread(deferred, run, "prep")
        assert begun + 3 <= row["start_by"] <= time.time() + 3
        assert batch.get_task(row["job_id"], "prep").state == "active"


async def test_a_member_waits_anew_for_its_start_when_a_task_before_it_runs_again(
    run: Run, batch: BatchClient, empty_pool: str
) -> None:
    run.pool, run.waits = empty_pool, {"start_timeout": timedelta(hours=1)}
    job_id = (await asyncio.to_thread(run.run, "submit"))["job_id"]
    run.xcoms["g.prep", "return_value"] = {"job_id": job_id}
    row = await asyncio.to_thread(deferred, run, "fit")
    assert row["job_id"] == job_id
    event = {**row, "ending": "unstarted", "start_by": time.time()}
    with pytest.raises(TaskDeferred) as waits:
        await asyncio.to_thread(resumed, run, "fit", event)
    again: Any = waits.value.trigger
    assert again.start_by == pytest.approx(time.time() + 3600, abs=60)
    assert again.deadline == row["deadline"]
    assert batch.get_task(job_id, "fit").state == "active"


def test_a_member_whose_end_nobody_saw_has_done_well_all_the_same(run: Run) -> None:
    run.waits = {}
    run.run("submit")
    row = deferred(run, "prep")
    asyncio.run(fired(row))
    assert resumed(run, "prep", {**row, "ending": "timeout"})["exit_code"] == 0


async def test_a_member_that_an_earlier_version_has_deferred_is_waited_for(run: Run) -> None:
    run.waits = {}
    job_id = (await asyncio.to_thread(run.run, "submit"))["job_id"]
    row = await asyncio.to_thread(deferred, run, "prep")
    assert row.pop("start_by") is None
    event = await fired(row)
    assert event.pop("start_by") is None
    assert (await asyncio.to_thread(resumed, run, "prep", event))["job_id"] == job_id
