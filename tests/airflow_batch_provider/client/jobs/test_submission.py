from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_batch_provider.client.jobs.submission import BODY_BYTES, add_tasks
from airflow_batch_provider.client.requests.job_requests import TRIES, end_when_done
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.exceptions import BatchRequestError
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted


def tasks(count: int, size: int = 10) -> list[dict[str, Any]]:
    return [{"id": f"t{n}", "commandLine": "x" * size} for n in range(count)]


class Job:
    """A job that takes tasks as the service does, with faults given by a plan."""

    def __init__(self, plan: list[Any] | None = None, limit: int = 10**9) -> None:
        self.plan = list(plan or [])
        self.limit = limit
        self.tasks: list[str] = []
        self.requests: list[int] = []

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        assert operation == "create_task_collection"
        wires = arguments[1]["value"]
        assert len(wires) <= 100
        self.requests.append(len(wires))
        fault = self.plan.pop(0) if self.plan else None
        if isinstance(fault, Refusal):
            raise fault
        if len(json.dumps(wires)) > self.limit:
            raise Refusal("RequestBodyTooLarge", 413, "too large")
        results = [self._take(wire["id"], fault) for wire in wires]
        if fault == "lost answer":
            raise Refusal("", 0, "connection reset", transient=True)
        return {"value": list(reversed(results))}

    def _take(self, task_id: str, fault: Any) -> dict[str, Any]:
        if isinstance(fault, dict) and task_id in fault:
            status, code = fault[task_id]
            return {"status": status, "taskId": task_id, "error": {"code": code, "message": {"value": "no"}}}
        if task_id in self.tasks:
            return {"status": "clienterror", "taskId": task_id, "error": {"code": "TaskExists"}}
        self.tasks.append(task_id)
        return {"status": "success", "taskId": task_id}


def test_tasks_go_in_collections_of_a_hundred() -> None:
    job = Job()
    assert Scripted(job).run(add_tasks("j", tasks(250))) == 250
    assert job.requests == [100, 100, 50]
    assert sorted(job.tasks) == sorted(f"t{n}" for n in range(250))


def test_a_request_stays_below_a_megabyte() -> None:
    job = Job(limit=1_000_000)
    Scripted(job).run(add_tasks("j", tasks(100, size=50_000)))
    assert max(job.requests) <= BODY_BYTES // 50_000
    assert len(job.tasks) == 100


def test_a_service_that_takes_less_gets_halves() -> None:
    job = Job(limit=2_000)
    service = Scripted(job)
    service.run(add_tasks("j", tasks(100)))
    assert len(job.tasks) == 100
    assert service.paused == []


def test_one_task_that_is_too_large_is_named_with_what_to_do() -> None:
    with pytest.raises(BatchRequestError, match="Task 't0' was not accepted: it alone is larger") as no:
        Scripted(Job(limit=50)).run(add_tasks("j", tasks(1, size=100)))
    assert no.value.code == "RequestBodyTooLarge"


def test_only_what_failed_is_sent_again_after_what_the_service_asks_for() -> None:
    job = Job([BUSY, {"t1": ("servererror", "InternalError")}])
    service = Scripted(job)
    service.run(add_tasks("j", tasks(3)))
    assert job.requests == [3, 3, 1]
    assert service.paused == [7.0, 1.0]


def test_an_answer_that_was_lost_does_not_submit_twice() -> None:
    job = Job(["lost answer"])
    assert Scripted(job).run(add_tasks("j", tasks(5))) == 5
    assert job.tasks == [f"t{n}" for n in range(5)]


def test_a_refused_task_is_named_with_the_reason() -> None:
    job = Job([{"t1": ("clienterror", "TaskDependencyListTooLong")}])
    with pytest.raises(BatchRequestError, match=r"(?s)Task 't1'.*graph\.barrier"):
        Scripted(job).run(add_tasks("j", [*tasks(3)]))


def test_a_service_that_keeps_failing_is_given_up_after_bounded_tries() -> None:
    service = Scripted(Job([BUSY] * 100))
    with pytest.raises(Refusal):
        service.run(add_tasks("j", tasks(2)))
    assert len(service.asked) <= 12


def test_a_service_that_is_busy_for_long_is_not_asked_for_single_tasks_while_it_gets_on() -> None:
    refusals = [BUSY if number % 5 else None for number in range(200)]
    job = Job(refusals)
    service = Scripted(job)
    assert service.run(add_tasks("j", tasks(1_500))) == 1_500
    assert set(job.requests) == {100}
    assert len(service.paused) > TRIES


def test_a_task_that_the_service_keeps_failing_to_add_is_named() -> None:
    fault = {"t7": ("servererror", "InternalError")}
    with pytest.raises(BatchRequestError, match="kept failing to add task 't7'"):
        Scripted(Job([fault] * 100)).run(add_tasks("j", tasks(20)))


@pytest.mark.parametrize("code", ["JobCompleted", "JobBeingTerminated", "JobNotFound", "JobBeingDeleted"])
def test_a_job_that_ends_meanwhile_is_no_error(code: str) -> None:
    assert Scripted(Job([Refusal(code, 409, "over")])).run(add_tasks("j", tasks(3))) is None
    assert Scripted(Job([{"t0": ("clienterror", code)}])).run(add_tasks("j", tasks(3))) is None


def test_another_refusal_of_the_whole_is_passed_on() -> None:
    with pytest.raises(Refusal, match="AuthenticationFailed"):
        Scripted(Job([Refusal("AuthenticationFailed", 403, "no")])).run(add_tasks("j", tasks(3)))


def test_the_end_is_asked_for_and_an_ended_job_needs_none() -> None:
    service = Scripted(lambda operation, arguments, options: None)
    service.run(end_when_done("j"))
    assert service.calls[0].arguments == ("j", {"onAllTasksComplete": "terminatejob"})

    def ended(*asked: Any) -> None:
        raise Refusal("JobCompleted", 409, "over")

    Scripted(ended).run(end_when_done("j"))


FAULTS = st.one_of(
    st.none(),
    st.just(BUSY),
    st.just("lost answer"),
    st.dictionaries(st.sampled_from([f"t{n}" for n in range(30)]), st.just(("servererror", "InternalError"))),
)


@given(st.lists(FAULTS, max_size=5), st.integers(1, 30), st.integers(200, 5_000))
def test_whatever_fails_for_a_while_each_task_is_in_once(plan: list[Any], count: int, limit: int) -> None:
    job = Job(plan, limit)
    assert Scripted(job).run(add_tasks("j", tasks(count))) == count
    assert sorted(job.tasks) == sorted(f"t{n}" for n in range(count))
