from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.jobs.lifecycle import CHANGES, request_change, wait_for_change
from airflow_batch_provider.client.jobs.reactivation import reactivate
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Refusal
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted


class Target:
    """A job or schedule that is in a state, and refuses what it is told to."""

    def __init__(self, state: str | None, *refusals: Refusal) -> None:
        self.state = state
        self.refusals = list(refusals)
        self.requests: list[str] = []

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if operation.startswith("/"):
            self.requests.append(operation)
            if self.refusals:
                raise self.refusals.pop(0)
            return None
        if self.state is None:
            raise Refusal("JobNotFound" if operation == "get_job" else "JobScheduleNotFound", 404, "no")
        return {"id": "x", "state": self.state}


def conflict(code: str) -> Refusal:
    return Refusal(code, 409, code)


def test_a_change_is_asked_for_once_and_not_yet_complete() -> None:
    job = Target("terminating")
    service = Scripted(job)
    assert service.run(request_change("terminate_job", "j", {"terminateReason": "r"})) is False
    assert job.requests == ["/jobs/j/terminate"]
    assert service.said == ["Batch job j: asked to terminate"]


@pytest.mark.parametrize(
    ("change", "state", "code", "done", "said"),
    [
        ("terminate_job", "completed", "JobCompleted", True, "is completed already: nothing to terminate"),
        ("terminate_job", "terminating", "JobBeingTerminated", False, "is terminating already"),
        ("terminate_job", None, "JobNotFound", True, "does not exist: nothing to terminate"),
        ("delete_job", None, "JobNotFound", True, "does not exist: nothing to delete"),
        ("delete_job", "deleting", "JobBeingDeleted", False, "is deleting already"),
        ("disable_job", "completed", "JobCompleted", True, "is completed already: nothing to disable"),
        ("enable_job", "active", "OperationInvalidForCurrentState", True, "is active already"),
        (
            "terminate_schedule",
            "completed",
            "JobScheduleCompleted",
            True,
            "Batch job schedule x is completed",
        ),
        ("disable_schedule", "disabled", "JobScheduleDisabled", True, "is disabled already"),
        ("delete_schedule", None, "JobScheduleNotFound", True, "does not exist"),
    ],
)
def test_what_is_so_already_is_a_success_that_the_log_tells(
    change: str, state: str | None, code: str, done: bool, said: str
) -> None:
    service = Scripted(Target(state, conflict(code)))
    assert service.run(request_change(change, "x")) is done
    assert said in service.said[0]


@pytest.mark.parametrize("state", ["completed", "terminating", "deleting", None])
def test_a_job_that_has_ended_cannot_be_enabled(state: str | None) -> None:
    with pytest.raises(Refusal, match="JobCompleted"):
        Scripted(Target(state, conflict("JobCompleted"))).run(request_change("enable_job", "j"))


@pytest.mark.parametrize("change", ["disable_job", "disable_schedule"])
def test_what_is_not_there_cannot_be_disabled(change: str) -> None:
    with pytest.raises(Refusal, match="NotFound"):
        Scripted(Target(None, conflict("JobNotFound"))).run(request_change(change, "x"))


def test_a_refusal_for_another_reason_is_passed_on_and_a_busy_service_asked_again() -> None:
    with pytest.raises(Refusal, match="AuthenticationFailed"):
        Scripted(Target("active", Refusal("AuthenticationFailed", 403, "no"))).run(
            request_change("terminate_job", "j")
        )
    job = Target("terminating", BUSY)
    service = Scripted(job)
    service.run(request_change("terminate_job", "j"))
    assert len(job.requests) == 2
    assert service.paused == [7.0]


def test_a_job_is_looked_at_until_it_is_as_asked_for_and_each_state_is_said_once() -> None:
    views = [JobView("j", state) for state in ("terminating", "terminating", "completed")]
    service = Scripted(looks=[views[0], BUSY, *views[1:]])
    assert service.run(wait_for_change("terminate_job", "j", 100.0, lambda: service.now)) == "completed"
    assert [line for line in service.said if "Batch job j" in line] == [
        "Batch job j is terminating",
        "Batch job j is completed",
    ]


def test_a_deleted_job_is_waited_for_until_it_is_gone() -> None:
    service = Scripted(looks=[JobView("j", "deleting"), None])
    assert service.run(wait_for_change("delete_job", "j", 100.0, lambda: service.now)) == "absent"


def test_a_schedule_is_looked_at_by_itself() -> None:
    states = ["terminating", "completed"]
    service = Scripted(lambda *asked: {"id": "s", "state": states.pop(0)})
    assert service.run(wait_for_change("terminate_schedule", "s", 100.0, lambda: service.now)) == "completed"
    assert len(service.paused) == 2


def test_the_time_for_a_change_is_bounded() -> None:
    service = Scripted(looks=[JobView("j", "terminating")] * 50)
    assert service.run(wait_for_change("terminate_job", "j", 5.0, lambda: service.now)) == "terminating"


@pytest.mark.parametrize("state", ["terminating", "completed", "deleting", None])
def test_a_job_that_ends_meanwhile_is_not_waited_for_any_longer(state: str | None) -> None:
    seen = JobView("j", state) if state else None
    service = Scripted(looks=[JobView("j", "enabling"), seen, *[seen] * 50])
    reached = service.run(wait_for_change("enable_job", "j", 1e9, lambda: service.now))
    assert reached == (state or "absent")
    assert len(service.paused) <= 2


def test_a_schedule_that_is_deleted_meanwhile_is_not_waited_for_any_longer() -> None:
    states = ["disabled", "deleting"]
    service = Scripted(lambda *asked: {"id": "s", "state": states.pop(0)})
    assert service.run(wait_for_change("enable_schedule", "s", 1e9, lambda: service.now)) == "deleting"


def test_what_is_settled_needs_no_further_request() -> None:
    for change in CHANGES.values():
        assert change.settled <= change.underway, change


def test_only_tasks_that_failed_run_again_and_a_busy_service_is_asked_again() -> None:
    answers: dict[str, list[Any]] = {
        "failed": [BUSY, None],
        "running": [conflict("TaskNotCompleted")],
        "good": [conflict("TaskSucceeded")],
    }

    def answer(operation: str, arguments: tuple[Any, ...], options: Any) -> None:
        given = answers[arguments[1]].pop(0)
        if given is not None:
            raise given

    service = Scripted(answer)
    assert service.run(reactivate("j", ["failed", "running", "good"])) == ["failed"]
    assert service.paused == [7.0]
    assert service.said == [
        "Task running has not completed: it is left as it is",
        "Task good has succeeded: it is left as it is",
    ]


def test_a_job_that_has_ended_takes_no_task_up_again() -> None:
    def answer(*asked: Any) -> None:
        raise conflict("JobCompleted")

    with pytest.raises(Refusal, match="JobCompleted"):
        Scripted(answer).run(reactivate("j", ["one"]))
