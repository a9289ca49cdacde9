from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.jobs.claim import (
    MAX_SUBMISSIONS,
    Claim,
    Found,
    claim_job,
    marks_of,
    terminate_own,
)
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec import JobGraph, JobOptions
from airflow_batch_provider.spec.ids import JobIdentity
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted

IDENTITY = JobIdentity("dag", "run", "task")
OPTIONS = JobOptions("pool")


def graph() -> JobGraph:
    made = JobGraph()
    made.task("one", "x")
    return made


class Account:
    """Jobs by id, as the service holds them."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.tasks: list[dict[str, Any]] = []
        self.refuse: list[Refusal] = []

    def holds(self, identity: JobIdentity, state: str, fingerprint: str = "f", reason: str = "") -> None:
        marks = [{"name": k, "value": v} for k, v in marks_of(identity, fingerprint).items()]
        self.jobs[identity.job_id] = {
            "id": identity.job_id,
            "state": state,
            "metadata": marks,
            "executionInfo": {"terminateReason": reason} if reason else {},
        }

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if self.refuse:
            raise self.refuse.pop(0)
        if operation == "create_job":
            wire = arguments[0]
            if wire["id"] in self.jobs:
                raise Refusal("JobExists", 409, "exists")
            self.jobs[wire["id"]] = {**wire, "state": "active"}
            return None
        if operation == "get_job":
            if arguments[0] not in self.jobs:
                raise Refusal("JobNotFound", 404, "no")
            return self.jobs[arguments[0]]
        if operation == "list_tasks":
            return self.tasks
        if operation == "update_job":
            self.jobs[arguments[0]].update(arguments[1])
            return None
        assert operation.endswith("/terminate")
        self.jobs[operation.split("/")[2]]["state"] = "terminating"
        return None


def claim(account: Account, identity: JobIdentity = IDENTITY) -> Claim:
    return Scripted(account).run(claim_job(identity, OPTIONS, graph(), "f"))


def test_a_job_that_is_not_there_is_created() -> None:
    account = Account()
    assert claim(account) == Claim(IDENTITY, Found.CREATED)
    wire = account.jobs[IDENTITY.job_id]
    assert wire["onAllTasksComplete"] == "noaction"
    assert wire["onTaskFailure"] == "performexitoptionsjobaction"
    assert wire["constraints"] == {"maxWallClockTime": "P1D"}
    assert {"name": "airflow-dag", "value": "dag"} in wire["metadata"]


def test_a_live_job_of_the_same_fingerprint_is_attached_to_and_another_is_an_error() -> None:
    account = Account()
    account.holds(IDENTITY, "active")
    assert claim(account).found is Found.ATTACHED
    account.holds(IDENTITY, "active", fingerprint="other")
    with pytest.raises(BatchJobConflictError, match="its tasks are not those of the DAG now"):
        claim(account)
    job = account.jobs[IDENTITY.job_id]
    assert (job["state"], job["onAllTasksComplete"]) == ("active", "terminatejob")


def test_a_job_of_someone_else_is_never_touched() -> None:
    account = Account()
    account.holds(IDENTITY, "completed")
    account.jobs[IDENTITY.job_id]["metadata"] = []
    with pytest.raises(BatchJobConflictError, match="did not submit"):
        claim(account)
    assert not Scripted(account).run(terminate_own(IDENTITY, "x"))


def test_a_job_that_failed_is_followed_by_the_next_and_each_is_remembered_before() -> None:
    account = Account()
    account.holds(IDENTITY, "completed", reason="TaskFailed")
    settled: list[int] = []
    script = claim_job(IDENTITY, OPTIONS, graph(), "f", lambda identity: settled.append(identity.submission))
    made = Scripted(account).run(script)
    assert (made.identity.submission, made.found) == (2, Found.CREATED)
    assert settled == [1, 2]


def test_a_job_that_succeeded_is_taken_as_done_unless_the_graph_is_another_now() -> None:
    account = Account()
    account.tasks = [{"id": "one", "state": "completed", "executionInfo": {"result": "success"}}]
    account.holds(IDENTITY, "completed", reason="AllTasksComplete")
    assert claim(account).found is Found.SUCCEEDED
    account.holds(IDENTITY, "completed", fingerprint="other", reason="AllTasksComplete")
    assert claim(account).identity.submission == 2


def test_a_job_that_is_being_deleted_is_waited_for_and_made_anew() -> None:
    account = Account()
    account.holds(IDENTITY, "deleting")
    service = Scripted(account)
    script = claim_job(IDENTITY, OPTIONS, graph(), "f")

    def gone_after_two(operation: str, arguments: Any, options: Any) -> Any:
        if len(service.paused) == 2:
            account.jobs.clear()
        return account(operation, arguments, options)

    service.answer = gone_after_two
    assert service.run(script).found is Found.CREATED
    assert len(service.paused) == 2


def test_a_job_that_stays_deleting_is_not_waited_for_without_end() -> None:
    account = Account()
    account.holds(IDENTITY, "deleting")
    service = Scripted(account)
    made = service.run(claim_job(IDENTITY, OPTIONS, graph(), "f"))
    assert made.identity.submission == 2
    assert service.now <= 120


def test_a_busy_service_is_asked_again_when_it_says() -> None:
    account = Account()
    account.refuse = [BUSY, BUSY]
    service = Scripted(account)
    assert service.run(claim_job(IDENTITY, OPTIONS, graph(), "f")).found is Found.CREATED
    assert service.paused == [7.0, 7.0]


def test_a_refusal_that_stays_is_passed_on() -> None:
    account = Account()
    account.refuse = [Refusal("ActiveJobAndScheduleQuotaReached", 409, "quota")]
    with pytest.raises(Refusal, match="Quota"):
        claim(account)


def test_submissions_are_bounded() -> None:
    def all_failed(operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if operation == "create_job":
            raise Refusal("JobExists", 409, "exists")
        marks = [{"name": k, "value": v} for k, v in marks_of(IDENTITY, "f").items()]
        info = {"terminateReason": "TaskFailed"}
        return {"id": arguments[0], "state": "completed", "metadata": marks, "executionInfo": info}

    service = Scripted(all_failed)
    with pytest.raises(BatchJobConflictError, match="clear the Airflow task"):
        service.run(claim_job(IDENTITY, OPTIONS, graph(), "f"))
    asked = {call.arguments[0] for call in service.calls if call.operation == "get_job"}
    assert len(asked) == MAX_SUBMISSIONS


def test_only_the_own_live_job_is_ended() -> None:
    account = Account()
    account.holds(IDENTITY, "active")
    assert Scripted(account).run(terminate_own(IDENTITY, "x"))
    assert account.jobs[IDENTITY.job_id]["state"] == "terminating"
    assert not Scripted(account).run(terminate_own(IDENTITY, "x"))
