from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.tasks.single_task import (
    claim_task,
    delete_job,
    leave_task,
    terminate_task,
)
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.official import OfficialTask
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted


class DeathError(Exception):
    """The process that drives a script ends here."""


class Service:
    """Jobs and tasks as the service keeps them; an answer can be lost, and the client can die.

    :param die_at: number of the step at which the client dies.
    :param after: whether the service has carried the step out by then.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.tasks: dict[tuple[str, str], dict[str, Any]] = {}
        self.steps = 0
        self.die_at: int | None = None
        self.after = False
        self.lose = False

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        self.steps += 1
        dies = self.steps == self.die_at
        if dies and not self.after and not self.lose:
            raise DeathError
        answer = getattr(self, operation)(*arguments)
        if dies and self.lose:
            raise BUSY
        if dies:
            raise DeathError
        return answer

    def create_job(self, wire: dict[str, Any]) -> None:
        if wire["id"] in self.jobs:
            raise Refusal("JobExists", 409)
        self.jobs[wire["id"]] = {**wire, "state": "active"}

    def get_job(self, job_id: str) -> dict[str, Any]:
        return self.jobs[job_id]

    def update_job(self, job_id: str, change: dict[str, Any]) -> None:
        self.jobs[job_id].update(change)

    def create_task(self, job_id: str, wire: dict[str, Any]) -> None:
        if (job_id, wire["id"]) in self.tasks:
            raise Refusal("TaskExists", 409)
        if self.jobs[job_id]["state"] != "active":
            raise Refusal("JobCompleted", 409)
        self.tasks[job_id, wire["id"]] = {**wire, "state": "active"}

    def get_task(self, job_id: str, task_id: str) -> dict[str, Any]:
        if (job_id, task_id) not in self.tasks:
            raise Refusal("TaskNotFound", 404)
        return self.tasks[job_id, task_id]

    def end(self, job_id: str, task_id: str, *, good: bool, job_too: bool = False) -> None:
        failure = {} if good else {"failureInfo": {"code": "FailureExitCode"}}
        result = "success" if good else "failure"
        info = {"exitCode": 0 if good else 1, "result": result, **failure}
        self.tasks[job_id, task_id] |= {"state": "completed", "executionInfo": info}
        if job_too:
            self.jobs[job_id]["state"] = "completed"


def a_task(run_id: str = "r1", generation: int = 0, task: str = "t") -> OfficialTask:
    return OfficialTask(
        identity=JobIdentity("dag", run_id, task, generation=generation),
        job_id="nightly",
        task_id="crunch",
        pool_id="p",
        command="/bin/true",
        timeout=timedelta(minutes=25),
        job={},
        task={},
    )


def claimed(service: Service, task: OfficialTask) -> tuple[str, str]:
    claim = Scripted(service).run(claim_task(task, lambda job_id, task_id: None))
    return claim.job_id, claim.task_id


def test_job_and_task_have_the_ids_that_their_author_gave_them() -> None:
    service = Service()
    assert claimed(service, a_task()) == ("nightly", "crunch")
    assert service.jobs["nightly"]["onAllTasksComplete"] == "terminatejob"
    assert service.tasks["nightly", "crunch"]["constraints"] == {"maxWallClockTime": "PT30M"}


@pytest.mark.parametrize("how", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(1, 4))
def test_pain_149_a_client_that_dies_at_any_step_leads_to_one_task(at: int, how: str) -> None:
    service = Service()
    service.die_at, service.after, service.lose = at, how == "after", how == "lost"
    if how == "lost":
        assert claimed(service, a_task()) == ("nightly", "crunch")
    else:
        with pytest.raises(DeathError):
            claimed(service, a_task())
    service.die_at = None
    assert claimed(service, a_task()) == ("nightly", "crunch")
    assert list(service.tasks) == [("nightly", "crunch")]
    assert service.jobs["nightly"]["onAllTasksComplete"] == "terminatejob"


def test_a_finished_task_of_a_try_that_died_is_taken_as_done() -> None:
    service = Service()
    first = claimed(service, a_task())
    service.end(*first, good=True, job_too=True)
    assert claimed(service, a_task()) == first


def test_a_retry_runs_anew_in_the_same_job_while_that_lives() -> None:
    service = Service()
    service.create_job({"id": "nightly"})
    service.end(*claimed(service, a_task()), good=False)
    job_id, task_id = claimed(service, a_task())
    assert job_id == "nightly"
    assert task_id.startswith("crunch-")
    assert claimed(service, a_task()) == (job_id, task_id)
    assert "onAllTasksComplete" not in service.jobs["nightly"]


def test_a_retry_takes_another_job_when_the_first_has_ended_and_siblings_meet_there() -> None:
    service = Service()
    service.end(*claimed(service, a_task()), good=False, job_too=True)
    job_id, task_id = claimed(service, a_task())
    assert job_id.startswith("nightly-")
    assert task_id == "crunch"
    sibling = claimed(service, a_task(task="other"))
    assert sibling[0] == job_id
    assert sibling[1] != task_id


def test_another_run_and_a_cleared_task_never_take_the_result_that_is_there() -> None:
    service = Service()
    service.create_job({"id": "nightly"})
    first = claimed(service, a_task())
    service.end(*first, good=True)
    assert len({first, claimed(service, a_task("r2")), claimed(service, a_task(generation=1))}) == 3


def test_ids_at_their_full_length_stay_within_it() -> None:
    plan = a_task()
    long = OfficialTask(**{**vars(plan), "job_id": "j" * 64, "task_id": "t" * 64})
    for ids in (long.job_ids(), long.task_ids()):
        assert next(ids) != (second := next(ids))
        assert len(second) == 64


def test_more_failures_than_a_task_may_have_are_told() -> None:
    service = Service()
    service.create_job({"id": "nightly"})
    for _ in range(50):
        service.end(*claimed(service, a_task()), good=False)
    with pytest.raises(BatchJobConflictError, match="clear the Airflow task"):
        claimed(service, a_task())


def test_only_the_own_task_is_ended() -> None:
    service = Service()
    claimed(service, a_task())
    assert not Scripted(service).run(terminate_task("nightly", "crunch", "someone-else"))
    assert not Scripted(service).run(terminate_task("nightly", "missing", a_task().owner))


def test_a_job_with_tasks_of_others_is_not_deleted() -> None:
    scripted = Scripted(lambda operation, *asked: [{"id": "theirs"}])
    scripted.run(delete_job("nightly"))
    assert scripted.asked == ["list_tasks"]
    assert "others' tasks" in scripted.said[0]


def left(service: Service, *, others: bool = False) -> bool:
    return Scripted(service).run(leave_task("nightly", "crunch", a_task().owner, others=others))


def refused_task(service: Service) -> None:
    """The service takes the job and not its task."""
    service.die_at = 2
    with pytest.raises(DeathError):
        claimed(service, a_task())
    service.die_at = None


def test_a_job_whose_task_was_refused_ends_with_the_tasks_in_it() -> None:
    service = Service()
    refused_task(service)
    assert service.jobs["nightly"]["onAllTasksComplete"] == "noaction"
    assert left(service)
    assert service.jobs["nightly"]["onAllTasksComplete"] == "terminatejob"
    assert service.jobs["nightly"]["state"] == "active"
    assert not left(service)  # it was told already


def test_a_job_in_which_others_are_awaited_is_left_to_them() -> None:
    service = Service()
    refused_task(service)
    assert not left(service, others=True)
    assert service.jobs["nightly"]["onAllTasksComplete"] == "noaction"


def test_a_job_that_was_not_made_here_is_left_as_it_is() -> None:
    service = Service()
    service.create_job({"id": "nightly", "onAllTasksComplete": "noaction"})
    assert not left(service)
    assert service.jobs["nightly"]["onAllTasksComplete"] == "noaction"
