"""Which job of a group serves a repair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_batch_provider.client.jobs.claim import OWNER_MARK
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.tasks.group_jobs import (
    GRAPH_MARK,
    end_jobs,
    job_for_repair,
    live_jobs,
    reactivate_task,
    terminate_task,
)
from airflow_batch_provider.spec.ids import JobIdentity
from tests.airflow_batch_provider.client.scripted import Scripted

OLD = JobIdentity("some dag", "run", "train", generation=0)
NOW = replace(OLD, generation=1)


def job(
    identity: JobIdentity, *, state: str = "active", graph: str = "g1", owner: str = ""
) -> dict[str, Any]:
    marks = {OWNER_MARK: owner or identity.owner, GRAPH_MARK: graph}
    metadata = [{"name": name, "value": value} for name, value in marks.items()]
    return {"id": identity.job_id, "state": state, "metadata": metadata}


def task(task_id: str, result: str = "") -> dict[str, Any]:
    return {
        "id": task_id,
        "state": "completed" if result else "active",
        "executionInfo": {"result": result} if result else {},
    }


def service(jobs: list[dict[str, Any]], tasks: list[dict[str, Any]] | None = None) -> Scripted:
    answers = {"list_jobs": jobs, "list_tasks": tasks or []}
    return Scripted(lambda operation, *_: answers.get(operation))


def test_live_jobs_are_found_by_one_list_whatever_their_generation() -> None:
    jobs = [job(OLD), job(NOW), job(NOW, owner="another"), job(OLD, state="terminating")]
    asked = service(jobs)
    assert [view.id for view in asked.run(live_jobs(NOW))] == [OLD.job_id, NOW.job_id]
    assert asked.asked == ["list_jobs"]
    where = asked.calls[0].options["filter"]
    assert where == "state ne 'completed' and startswith(id,'some-dag')"
    long = [replace(OLD, generation=n, run_id="r" * 90) for n in (0, 10, 100, 1000)]
    assert all(each.job_id.startswith("some-dag") for each in long)


def test_a_live_job_serves_if_none_of_the_tasks_has_succeeded_in_it() -> None:
    tasks = [task("a", "failure"), task("b"), task("c", "success")]
    assert service([job(OLD)], tasks).run(job_for_repair(NOW, "g1", ["a", "b"])) == (OLD.job_id, ["a"])
    assert service([job(OLD)], tasks).run(job_for_repair(NOW, "g1", ["a", "c"])) is None
    assert service([job(OLD)], tasks).run(job_for_repair(NOW, "g1", ["a", "new"])) is None


def test_no_job_serves_that_runs_something_else_or_is_not_active() -> None:
    tasks = [task("a", "failure")]
    assert service([job(OLD, graph="g0")], tasks).run(job_for_repair(NOW, "g1", ["a"])) is None
    assert service([job(OLD, state="disabled")], tasks).run(job_for_repair(NOW, "g1", ["a"])) is None


def test_a_job_that_a_killed_try_has_submitted_comes_first() -> None:
    tasks = [task("a", "failure")]
    mine = replace(NOW, submission=2)
    assert service([job(OLD), job(mine)], tasks).run(job_for_repair(NOW, "g1", ["a"])) is None


def test_the_end_is_asked_for_of_every_live_job() -> None:
    asked = service([job(OLD), job(NOW)])
    assert asked.run(end_jobs(NOW, "done")) == [OLD.job_id, NOW.job_id]
    assert asked.asked[1:] == [f"/jobs/{each.job_id}/terminate" for each in (OLD, NOW)]


def refusing(code: str) -> Scripted:
    def answer(*asked: Any) -> Any:
        raise Refusal(code, 409)

    return Scripted(answer)


@pytest.mark.parametrize(
    ("code", "runs"),
    [("TaskNotCompleted", True), ("TaskSucceeded", True), ("JobCompleted", False), ("TaskNotFound", False)],
)
def test_a_task_that_cannot_be_reactivated(code: str, runs: bool) -> None:
    assert refusing(code).run(reactivate_task("j", "t")) is runs


def test_a_refusal_of_another_kind_is_told() -> None:
    with pytest.raises(Refusal):
        refusing("AuthenticationFailed").run(reactivate_task("j", "t"))
    with pytest.raises(Refusal):
        refusing("AuthenticationFailed").run(terminate_task("j", "t"))
    assert refusing("TaskCompleted").run(terminate_task("j", "t")) is False
