"""A task whose time is over is looked at once more: an outage may have hidden its start and its end."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.tasks.last_look import last_look, waits_for_others
from tests.airflow_batch_provider.client.scripted import Scripted

ACTIVE, RUNNING, DONE = {"state": "active"}, {"state": "running"}, {"state": "completed"}
FAILED = {"state": "completed", "executionInfo": {"failureInfo": {"code": "FailureExitCode"}}}
TERMINATED = {"state": "completed", "executionInfo": {"failureInfo": {"code": "TaskEnded"}}}


def service(**tasks: dict[str, Any]) -> Scripted:
    def answer(operation: str, arguments: tuple[str, ...], options: Any) -> Any:
        _, task_id = arguments
        if task_id not in tasks:
            raise Refusal("TaskNotFound", 404)
        return {"id": task_id, **tasks[task_id]}

    return Scripted(answer)


@pytest.mark.parametrize(
    ("task", "ending", "told"),
    [
        (DONE, "timeout", "ended"),
        (FAILED, "expired", "ended"),
        (TERMINATED, "timeout", "timeout"),
        (RUNNING, "timeout", "timeout"),
        (RUNNING, "expired", "expired"),
        (RUNNING, "unstarted", "unstarted"),
        (ACTIVE, "timeout", "unstarted"),
        (ACTIVE, "expired", "expired"),
    ],
)
def test_what_is_told_is_what_is_true_now(task: dict[str, Any], ending: str, told: str) -> None:
    assert service(a=task).run(last_look("j", "a", ending)) == told


def test_a_task_that_is_gone_has_ended() -> None:
    assert service().run(last_look("j", "a", "timeout")) == "ended"


@pytest.mark.parametrize(
    ("before", "held"), [(RUNNING, True), (ACTIVE, True), (DONE, False), (FAILED, False), (None, False)]
)
def test_a_task_may_wait_for_one_that_runs_again(before: dict[str, Any] | None, held: bool) -> None:
    tasks = {"a": {**ACTIVE, "dependsOn": {"taskIds": ["first", "before"]}}, "first": DONE}
    if before is not None:
        tasks["before"] = before
    assert service(**tasks).run(waits_for_others("j", "a")) is held


def test_a_task_without_dependencies_and_one_that_runs_wait_for_no_other() -> None:
    assert not service(a=ACTIVE).run(waits_for_others("j", "a"))
    depends = {"dependsOn": {"taskIds": ["before"]}}
    assert not service(a={**RUNNING, **depends}, before=RUNNING).run(waits_for_others("j", "a"))
