"""Every DAG of the gallery runs in the one Airflow of these tests, and its judge finds the result right."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from demo.gallery import GALLERY, Outcome, Played
from demo.gallery.parallel_tests import judge_report, report_of, run_here, source
from demo.gallery.playing import begin, finish, land
from demo.stack import LocalStack
from demo.view import View
from tests.e2e.batch import Batch, Task

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

END_SECONDS = 240.0
Play = Callable[[str], Played]


@pytest.fixture(scope="module")
def play(stack: LocalStack) -> Play:
    """What an entry has come to. All of them run at the same time: each waits much, for nodes and Airflow."""
    view = View(Console(file=io.StringIO()))
    begun = {name: begin(stack, view, entry) for name, entry in GALLERY.items()}
    return lambda name: finish(stack, view, begun[name])


def test_option_pricing(play: Play, batch: Batch) -> None:
    """All shards of the mapped function are one job."""
    tasks = _tasks_of_the_only_job(batch, play("option_pricing"))
    assert len(tasks) == 8
    assert all(task.is_completed_once for task in tasks)


def test_parallel_tests(stack: LocalStack, batch: Batch, play: Play) -> None:
    """One job of all shards; a test that fails is named, fails the run, and is in the report all the same."""
    tasks = _tasks_of_the_only_job(batch, play("parallel_tests"))
    assert {task.id for task in tasks} == {"plan", *(f"shard-{number}" for number in range(4)), "report"}

    archive = source(
        {"tests/batch_emulator/autoscale/test_wrong.py": "def test_sum():\n    assert 2 + 2 == 5\n"}
    )
    land(stack, {"inputs/parallel_tests/wrong.tar.gz": archive})
    run = stack.airflow.trigger("parallel_tests", {"source": "inputs/parallel_tests/wrong.tar.gz"})
    run = stack.airflow.wait_for_run("parallel_tests", run.run_id, END_SECONDS, stack.check)
    failed = [
        each.task_id
        for each in stack.airflow.task_instances(run.dag_id, run.run_id)
        if each.state == "failed"
    ]
    assert (run.state, failed) == ("failed", ["verdict"])
    log = stack.airflow.log(run.dag_id, run.run_id, "verdict")
    assert "FAILED tests.batch_emulator.autoscale.test_wrong::test_sum: assert (2 + 2) == 5" in log
    judge_report(Outcome(stack, run).blob(report_of(run)), run_here(archive))


def test_render_tiles(play: Play, batch: Batch) -> None:
    tasks = _tasks_of_the_only_job(batch, play("render_tiles"))
    assert len(tasks) == 4 * 3 + 1
    assert all(task.is_completed_once for task in tasks)


def test_kmer_count(play: Play, batch: Batch) -> None:
    """The shards of a fan-out are one Airflow task."""
    tasks = _tasks_of_the_only_job(batch, play("kmer_count"))
    assert sorted(task.id for task in tasks) == [*(f"count-{n:04}" for n in range(8)), "cut", "merge"]
    assert all(task.is_completed_once for task in tasks)


def test_mpi_simulation(play: Play, batch: Batch) -> None:
    """One task is on three nodes at once; that its ranks were is the judge's to say."""
    (task,) = _tasks_of_the_only_job(batch, play("mpi_simulation"))
    assert task.is_completed_once


def test_hyperparameter_sweep(play: Play, batch: Batch) -> None:
    """The points are one job, and the training of the best is another."""
    played = play("hyperparameter_sweep")
    jobs = batch.jobs(run_id=played.run.run_id)
    tasks = [batch.tasks(job.id) for job in jobs]
    assert sorted(map(len, tasks)) == [1, 9]
    assert all(task.is_completed_once for of_job in tasks for task in of_job)


def test_every_entry_has_a_test_here() -> None:
    assert {f"test_{name}" for name in GALLERY} <= set(globals())


def _tasks_of_the_only_job(batch: Batch, played: Played) -> list[Task]:
    (job,) = batch.jobs(run_id=played.run.run_id)
    assert job.state == "completed"
    return batch.tasks(job.id)
