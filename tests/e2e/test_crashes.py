"""Airflow and Batch are killed at bad moments: one job, each task once, and the DAG run succeeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from demo.stack.emulator import NAME as EMULATOR
from tests.e2e.batch import Batch, Job, Task
from tests.e2e.crashing import freeze, kill, kill_component, worker_of
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

JOB = "job"  # the task of each DAG that submits
MANY, PER_GATE = 1000, 2
MANY_IDS = {*(f"n-{number:04d}" for number in range(MANY)), "last"}
GATED_IDS = {"quick", *(f"{gate}-{n}" for gate in ("early", "late") for n in range(PER_GATE)), "last"}
START_SECONDS, END_SECONDS = 120.0, 300.0


def test_a_worker_killed_while_it_submits(stack: LocalStack, batch: Batch, tmp_path: Path) -> None:
    """The retry finds the job, adds the tasks that are missing, and no second job comes to be."""
    run = stack.airflow.trigger("submit_many", {"folder": str(tmp_path), "count": MANY})
    wait_until(stack, "the task runs", lambda: bool(worker_of(stack, run, JOB)), START_SECONDS)
    worker = worker_of(stack, run, JOB)
    wait_until(stack, "the job has tasks", lambda: _has_tasks(batch, run), START_SECONDS, pause=0.01)
    with freeze(worker):
        (job,) = batch.jobs(run_id=run.run_id)
        submitted = len(batch.tasks(job.id))
        assert 0 < submitted < MANY, "the worker was too fast; it was to be killed while it submits"
        assert not job.ends_itself
        kill(worker)

    _succeeds(stack, run)
    assert _tries(stack, run) == 2
    tasks = _tasks_of_the_only_job(batch, run)
    _each_once(tasks, MANY_IDS, tmp_path)


def test_a_triggerer_killed_while_it_waits(stack: LocalStack, batch: Batch, tmp_path: Path) -> None:
    """The job ends while nobody watches it; the next triggerer finds that out."""
    run = stack.airflow.trigger("wait_at_gates", {"folder": str(tmp_path), "count": PER_GATE})
    job = _wait_for_held_tasks(stack, batch, run)
    wait_until(stack, "the triggerer watches the job", lambda: _is_watched(stack, run), START_SECONDS)
    kill_component(stack, "triggerer")
    _open(tmp_path, "early", "late")
    wait_until(stack, "the job has ended", lambda: _is_completed(batch, run), START_SECONDS)
    assert _state(stack, run) == "deferred"
    stack.restart("triggerer")

    _succeeds(stack, run)
    assert _tries(stack, run) == 1
    assert [job.id] == [found.id for found in batch.jobs(run_id=run.run_id)]
    _each_once(_tasks_of_the_only_job(batch, run), GATED_IDS, tmp_path)


def test_an_emulator_killed_while_tasks_run(stack: LocalStack, batch: Batch, tmp_path: Path) -> None:
    """What ran is run again, as after the loss of a node; what was done stays done, and nothing is lost."""
    run = stack.airflow.trigger("wait_at_gates", {"folder": str(tmp_path), "count": PER_GATE})
    job = _wait_for_held_tasks(stack, batch, run)
    wait_until(stack, "the triggerer watches the job", lambda: _is_watched(stack, run), START_SECONDS)
    cut_off = {task.id for task in batch.tasks(job.id) if task.state == "running"}
    stack.kill(EMULATOR)
    _open(tmp_path, "early")
    stack.restart(EMULATOR)
    after = {task.id: task.state for task in batch.tasks(job.id)}
    assert set(after) == GATED_IDS
    assert (after["quick"], after["last"]) == ("completed", "active")
    _open(tmp_path, "late")

    _succeeds(stack, run)
    assert _tries(stack, run) == 1
    _each_once(_tasks_of_the_only_job(batch, run), GATED_IDS, tmp_path, started_again=cut_off)


def _has_tasks(batch: Batch, run: DagRun) -> bool:
    return any(batch.has_tasks(job.id) for job in batch.jobs(run_id=run.run_id))


def _is_completed(batch: Batch, run: DagRun) -> bool:
    return all(job.state == "completed" for job in batch.jobs(run_id=run.run_id))


def _wait_for_held_tasks(stack: LocalStack, batch: Batch, run: DagRun) -> Job:
    """Until the quick task is done and those that wait for a gate run."""

    def they_run() -> bool:
        jobs = batch.jobs(run_id=run.run_id)
        states = Counter(task.state for job in jobs for task in batch.tasks(job.id))
        return states == {"completed": 1, "running": 2 * PER_GATE, "active": 1}

    wait_until(stack, "the tasks wait at their gates", they_run, START_SECONDS)
    (job,) = batch.jobs(run_id=run.run_id)
    return job


def _open(folder: Path, *gates: str) -> None:
    for gate in gates:
        (folder / gate).touch()


def _state(stack: LocalStack, run: DagRun) -> str | None:
    return next(
        item.state for item in stack.airflow.task_instances(run.dag_id, run.run_id) if item.task_id == JOB
    )


def _is_watched(stack: LocalStack, run: DagRun) -> bool:
    """Whether the triggerer has said how far the deferred task's job is."""
    if _state(stack, run) != "deferred":
        return False
    return "1 of 6 tasks done, 4 running" in stack.airflow.log(run.dag_id, run.run_id, JOB)


def _tries(stack: LocalStack, run: DagRun) -> int:
    return next(
        item.try_number
        for item in stack.airflow.task_instances(run.dag_id, run.run_id)
        if item.task_id == JOB
    )


def _succeeds(stack: LocalStack, run: DagRun) -> None:
    ended = stack.airflow.wait_for_run(run.dag_id, run.run_id, END_SECONDS, stack.check)
    assert ended.state == "success"


def _tasks_of_the_only_job(batch: Batch, run: DagRun) -> list[Task]:
    (job,) = batch.jobs(run_id=run.run_id)
    assert job.state == "completed"
    return batch.tasks(job.id)


def _each_once(
    tasks: list[Task], expected: set[str], folder: Path, *, started_again: Collection[str] = ()
) -> None:
    """By the account's record, and by what the tasks have written when they started.

    Parameters:
        started_again: those that lost their node, and so may have been started a second time.
    """
    assert Counter(task.id for task in tasks) == dict.fromkeys(expected, 1)
    assert [task for task in tasks if not task.is_completed_once] == []
    starts = Counter((folder / "begun").read_text().split())
    assert set(starts) == expected
    assert {
        name: count for name, count in starts.items() if count > (2 if name in started_again else 1)
    } == {}
