"""Every DAG of the gallery runs in the one Airflow of these tests, and its judge finds the result right."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from demo.gallery import GALLERY, Played, play
from demo.stack import LocalStack
from demo.view import View
from tests.e2e.batch import Batch, Task

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]


def test_option_pricing(stack: LocalStack, batch: Batch) -> None:
    """All shards of the mapped function are one job."""
    tasks = _tasks_of_the_only_job(batch, _play(stack, "option_pricing"))
    assert len(tasks) == 8
    assert all(task.is_completed_once for task in tasks)


def test_every_entry_has_a_test_here() -> None:
    assert {f"test_{name}" for name in GALLERY} <= set(globals())


def _play(stack: LocalStack, name: str) -> Played:
    return play(stack, View(Console(file=io.StringIO())), GALLERY[name])


def _tasks_of_the_only_job(batch: Batch, played: Played) -> list[Task]:
    (job,) = batch.jobs(run_id=played.run.run_id)
    assert job.state == "completed"
    return batch.tasks(job.id)
