"""Where a member's Batch task is waited for, in every state that it and its job can be in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_batch_provider.client.requests.records import JobView, task_view
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.tasks.member_place import Attempt, Fate, find_place, judge_fate
from airflow_batch_provider.spec import JobGraph, on_exit
from tests.airflow_batch_provider.client.scripted import Scripted

JOB = "job-1"
FIRST = Attempt("fit", JOB, first=True, cleared=False, same_graph=True, last_job=lambda _: JOB)
RETRY = replace(FIRST, first=False)
CLEARED = replace(FIRST, cleared=True)
FAILED = {"state": "completed", "executionInfo": {"result": "failure", "failureInfo": {"code": "X"}}}
DONE = {"state": "completed", "executionInfo": {"result": "success"}}
ENDED = {"state": "completed", "executionInfo": {"result": "failure", "failureInfo": {"code": "TaskEnded"}}}
RUNNING, WAITING = {"state": "running"}, {"state": "active"}


def place(attempt: Attempt, task: dict[str, Any] | None, job: str = "active") -> tuple[str | None, list[str]]:
    """What is found, and what was done to the task."""

    def answer(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        match operation:
            case "get_task" if task is not None:
                return {"id": "fit", "dependsOn": {"taskIds": ["prep"]}, **task}
            case "get_task":
                raise Refusal("TaskNotFound", 404)
            case "get_job":
                return {"id": JOB, "state": job}
        return None

    service = Scripted(answer)
    found = service.run(find_place(attempt))
    return found, [done for done in service.asked if not done.startswith("get_")]


@pytest.mark.parametrize("task", [FAILED, DONE, RUNNING, WAITING, ENDED])
@pytest.mark.parametrize("job", ["active", "completed"])
def test_a_first_try_answers_for_what_is_there(task: dict[str, Any], job: str) -> None:
    assert place(FIRST, task, job) == (JOB, [])


@pytest.mark.parametrize("attempt", [RETRY, CLEARED])
def test_a_failed_task_runs_again_in_its_job_while_that_lives(attempt: Attempt) -> None:
    assert place(attempt, FAILED) == (JOB, ["reactivate_task"])
    assert place(attempt, FAILED, "completed") == (None, [])
    assert place(attempt, FAILED, "terminating") == (None, [])


@pytest.mark.parametrize("attempt", [RETRY, CLEARED])
@pytest.mark.parametrize("task", [RUNNING, WAITING])
def test_one_that_has_not_ended_is_attached_to(attempt: Attempt, task: dict[str, Any]) -> None:
    assert place(attempt, task) == (JOB, [])


def test_success_counts_unless_the_member_was_cleared_since() -> None:
    assert place(RETRY, DONE, "completed") == (JOB, [])
    assert place(CLEARED, DONE) == (None, [])


def test_a_changed_dag_is_not_run_in_the_old_job() -> None:
    assert place(replace(RETRY, same_graph=False), FAILED) == (None, [])
    assert place(replace(RETRY, same_graph=False), RUNNING) == (None, ["terminate_task"])


def test_a_task_that_is_in_no_job() -> None:
    assert place(FIRST, None) == (None, [])
    assert place(replace(FIRST, job_id=None), None) == (None, [])


@pytest.mark.parametrize("task", [WAITING, ENDED])
@pytest.mark.parametrize("elsewhere", ["another-job", None])
def test_a_task_whose_parent_was_repaired_in_another_job_would_wait_for_ever(
    task: dict[str, Any], elsewhere: str | None
) -> None:
    attempt = replace(FIRST, last_job=lambda task_id: {"prep": elsewhere}[task_id])
    assert place(attempt, task) == (None, [] if task is ENDED else ["terminate_task"])
    assert place(attempt, task, "completed") == (None, [])
    assert place(attempt, RUNNING) == (JOB, [])


@pytest.mark.parametrize(
    ("task", "job", "became"),
    [
        (
            {"state": "completed", "executionInfo": {"result": "success", "exitCode": 0}},
            "active",
            "succeeded",
        ),
        (
            {"state": "completed", "executionInfo": {"result": "failure", "exitCode": 3}},
            "active",
            "tolerated",
        ),
        (FAILED, "active", "failed"),
        (ENDED, "completed", "ended"),
        (WAITING, "completed", "unfinished"),
        (None, "active", "unfinished"),
        (DONE, None, "unfinished"),
    ],
)
def test_the_outcome_of_a_member_is_that_of_its_own_task(
    task: dict[str, Any] | None, job: str | None, became: str
) -> None:
    graph = JobGraph()
    graph.task("fit", "x", exit_conditions=[on_exit(3, dependency="satisfy")])
    view = None if task is None else task_view({"id": "fit", **task})
    fate = Fate(JOB, "fit", JobView(JOB, job) if job else None, view)
    outcome = judge_fate(fate, graph)
    assert outcome.total == 1
    assert outcome.succeeded == (became in ("succeeded", "tolerated"))
    kinds = ("tolerated", "failed", "ended", "unfinished")
    assert [name for name in kinds if getattr(outcome, name)] == [became] * (became != "succeeded")
