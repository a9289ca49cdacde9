"""Deferred tasks are marked and cleared through Airflow's REST API, and others fail until no try is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from demo.stack import LocalStack
from demo.stack.airflow_client import AirflowError, DagRun
from tests.e2e.batch import Batch, Job
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

KILLED_AT_ONCE, END_SECONDS = 30.0, 240.0
WATCHED = {
    "killed": "1 running",
    "cleared": "1 running",
    "left": "1 running",
    "group.one": "has started on node",
    "group.two": "has started on node",
}
"""What the triggerer tells of each task once it watches it."""


class Held:
    """A run of the DAG whose tasks are held until they may end."""

    def __init__(self, stack: LocalStack, batch: Batch, folder: Path) -> None:
        folder.chmod(0o777)
        self.stack, self.batch, self.folder = stack, batch, folder
        self.run = stack.airflow.trigger("held", {"folder": str(folder)})

    def wait_until_watched(self, task_id: str, try_number: int = 1) -> None:
        self._wait(f"{task_id} is watched", lambda: WATCHED[task_id] in self.log(task_id, try_number), 120)

    def wait_until_ended(self, task_id: str, count: int) -> None:
        """Until as many jobs of a task have ended."""
        self._wait(f"a job of {task_id} has ended", lambda: self.jobs(task_id) == count, KILLED_AT_ONCE)

    def wait_until_told(self, task_id: str) -> None:
        """Until the log of a try that was killed tells so."""
        told = "is being ended with its Airflow task"
        self._wait(f"{task_id} tells of it", lambda: told in self.log(task_id), KILLED_AT_ONCE)

    def jobs(self, task_id: str) -> int:
        """How many jobs of a task have ended or are ending."""
        return sum(job.state in ("terminating", "completed") for job in self._jobs(task_id))

    def batch_tasks(self) -> dict[str, str]:
        """The states of the tasks of the group's job."""
        (job,) = self._jobs("group")
        return {task.id: task.state for task in self.batch.tasks(job.id)}

    def log(self, task_id: str, try_number: int = 1) -> str:
        """Empty as long as there is no such try."""
        try:
            return self.stack.airflow.log("held", self.run.run_id, task_id, try_number=try_number)
        except AirflowError as error:
            if "answered 404" not in str(error):
                raise
            return ""

    def mark_failed(self, task_id: str) -> None:
        path = f"/dags/held/dagRuns/{quote(self.run.run_id, safe='')}/taskInstances/{task_id}"
        self.stack.airflow.call("PATCH", path, json={"new_state": "failed"})

    def begun(self) -> Counter[str]:
        """How often each command has begun."""
        return Counter((self.folder / "begun").read_text().split())

    def wait_until_succeeded(self, task_id: str) -> None:
        def succeeded() -> bool:
            found = self.stack.airflow.task_instances("held", self.run.run_id)
            return any(each.task_id == task_id and each.state == "success" for each in found)

        self._wait(f"{task_id} has succeeded", succeeded, 120)

    def clear(self, *task_ids: str, counted: bool = True) -> None:
        body = {
            "dry_run": False,
            "dag_run_id": self.run.run_id,
            "task_ids": task_ids,
            "only_failed": False,
            "reset_dag_runs": counted,
        }
        self.stack.airflow.call("POST", "/dags/held/clearTaskInstances", json=body)

    def end(self) -> DagRun:
        (self.folder / "open").touch()
        return self.stack.airflow.wait_for_run("held", self.run.run_id, END_SECONDS, self.stack.check)

    def _jobs(self, task_id: str) -> list[Job]:
        return [job for job in self.batch.jobs(run_id=self.run.run_id) if job.task_id == task_id]

    def _wait(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        wait_until(self.stack, what, condition, seconds)


@dataclass(frozen=True)
class GivenUp:
    """A run of the DAG whose tasks fail until no try is left; it goes on beside the other test."""

    run: DagRun
    folder: Path


@pytest.fixture(scope="module", autouse=True)
def given_up(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> GivenUp:
    folder = tmp_path_factory.mktemp("given-up")
    folder.chmod(0o777)
    return GivenUp(stack.airflow.trigger("given_up", {"folder": str(folder)}), folder)


def test_pain_156_a_deferred_task_that_is_killed_ends_its_own_tells_of_it_and_its_next_try_runs(
    stack: LocalStack, batch: Batch, tmp_path: Path
) -> None:
    """apache/airflow#19929: a deferred task is killed: no log, no on_kill, and the next try ends at once."""
    held = Held(stack, batch, tmp_path)
    for task_id in WATCHED:
        held.wait_until_watched(task_id)

    held.mark_failed("killed")
    held.mark_failed("group.one")
    held.clear("cleared")
    for task_id in ("killed", "cleared"):
        held.wait_until_ended(task_id, 1)
    wait_until(stack, "one has ended", lambda: held.batch_tasks()["one"] == "completed", KILLED_AT_ONCE)
    for task_id in ("killed", "group.one", "cleared"):
        held.wait_until_told(task_id)
    assert held.jobs("left") == held.jobs("group") == 0
    assert held.batch_tasks()["two"] == "running"

    held.wait_until_succeeded("group.done")
    held.clear("group.done", counted=False)
    held.clear("killed", "group.one")
    for task_id in ("killed", "group.one", "cleared"):
        held.wait_until_watched(task_id, try_number=2)
    wait_until(stack, "done has begun again", lambda: held.begun()["done"] == 2, 120)
    assert held.end().state == "success"
    assert held.begun() == {
        "done": 2,
        "killed": 2,
        "cleared": 2,
        "one": 2,
        "left": 1,
        "two": 1,
    }


def test_pain_166_a_deferred_task_is_tried_as_often_as_one_that_waits_in_its_worker(
    stack: LocalStack, given_up: GivenUp
) -> None:
    """apache/airflow#37120: the number of retries means something else in deferrable mode."""
    run_id = given_up.run.run_id
    assert stack.airflow.wait_for_run("given_up", run_id, END_SECONDS, stack.check).state == "failed"
    tries = {each.task_id: each.try_number for each in stack.airflow.task_instances("given_up", run_id)}
    assert tries == {"pool": 1, "deferred": 2, "waiting": 2}
    assert Counter((given_up.folder / "begun").read_text().split()) == {"deferred": 2, "waiting": 2}
    for number in (1, 2):
        assert "exit code 7" in stack.airflow.log("given_up", run_id, "deferred", try_number=number)
