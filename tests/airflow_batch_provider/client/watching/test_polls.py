"""What looks at many jobs and tasks ask for, and that nothing is missed."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.watching.polls import WHOLE_EVERY, JobsPoll, TasksPoll, common_prefix
from tests.airflow_batch_provider.client.scripted import Scripted

JOB = JobView("j", "active")


class Account:
    """Jobs by their ids; lists them as the filter says, get shows each."""

    def __init__(self, *ids: str) -> None:
        self.jobs: dict[str, str] = dict.fromkeys(ids, "")
        self.unlisted: set[str] = set()

    def end(self, job_id: str, second: int) -> None:
        self.jobs[job_id] = f"2026-01-01T00:00:{second:02}Z"

    def __call__(self, operation: str, arguments: tuple[Any, ...], options: Any) -> Any:
        if operation == "get_job":
            if arguments[0] not in self.jobs:
                raise Refusal("JobNotFound", 404, "no")
            return self._wire(arguments[0])
        since = options["filter"].partition("DateTime'")[2].partition("'")[0] or "9999"
        return [
            self._wire(job_id)
            for job_id, ended in self.jobs.items()
            if (not ended or ended >= since) and job_id not in self.unlisted
        ]

    def _wire(self, job_id: str) -> dict[str, Any]:
        ended = self.jobs[job_id]
        info = {"executionInfo": {"endTime": ended, "terminateReason": "AllTasksComplete"}} if ended else {}
        return {"id": job_id, "state": "completed" if ended else "active", **info}


def test_a_thousand_jobs_are_looked_at_by_one_request() -> None:
    account = Account(*(f"dag-{n}" for n in range(1000)))
    service, poll = Scripted(account), JobsPoll()
    views = service.run(poll.look(list(account.jobs)))
    assert service.asked == ["list_jobs"]
    assert service.calls[0].options["filter"] == "(state ne 'completed') and startswith(id,'dag-')"
    assert all(view == JobView(job_id, "active", marks={}) for job_id, view in views.items())


def test_jobs_that_end_together_cost_no_request_each() -> None:
    account = Account(*(f"dag-{n}" for n in range(100)))
    service, poll = Scripted(account), JobsPoll()
    account.end("dag-0", 1)
    service.run(poll.look(list(account.jobs)))
    assert service.asked == ["list_jobs", "get_job"]
    for number in range(1, 50):
        account.end(f"dag-{number}", 2 + number // 10)
    service.asked.clear()
    views = service.run(poll.look([f"dag-{n}" for n in range(1, 100)]))
    assert service.asked == ["list_jobs"]
    ended = [view for view in views.values() if view and view.ended]
    assert len(ended) == 49
    assert {view.reason for view in ended} == {"AllTasksComplete"}


def test_an_end_that_no_list_has_shown_is_asked_for() -> None:
    account = Account("a", "b", "c")
    service, poll = Scripted(account), JobsPoll()
    account.end("a", 30)
    service.run(poll.look(["a", "b", "c"]))
    account.end("b", 10)
    account.unlisted.add("c")
    views = service.run(poll.look(["b", "c"]))
    assert [view.ended for view in views.values() if view] == [True, False]


def test_a_job_that_does_not_exist_is_asked_for_only_now_and_then() -> None:
    account = Account("here")
    service, poll = Scripted(account), JobsPoll()
    for _ in range(2 * WHOLE_EVERY):
        assert service.run(poll.look(["here", "missing"]))["missing"] is None
    assert service.asked.count("get_job") == 3
    account.jobs["missing"] = ""
    view = service.run(poll.look(["here", "missing"]))["missing"]
    assert view is not None


def test_ends_of_others_do_not_let_the_list_grow() -> None:
    account = Account("mine", "mine-too", *(f"theirs-{n}" for n in range(20)))
    service, poll = Scripted(account), JobsPoll()
    account.end("mine-too", 1)
    service.run(poll.look(["mine", "mine-too"]))
    for number in range(20):
        account.end(f"theirs-{number}", 2 + number)
    for _ in range(2):
        service.run(poll.look(["mine", "x"]))
    assert "DateTime'2026-01-01T00:00:21Z'" in service.calls[-1].options["filter"]


def wire(task_id: str, state: str = "completed", at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"id": task_id, "state": state, "stateTransitionTime": at}


def listing(*tasks: dict[str, Any]) -> Scripted:
    return Scripted(lambda operation, *_: list(tasks) if operation == "list_tasks" else tasks[0])


def test_one_list_is_made_of_all_tasks_and_later_only_of_what_is_new() -> None:
    poll, asked = TasksPoll("j"), listing(wire("a", at="2026-01-01T00:00:05Z"), wire("other"))
    seen = asked.run(poll.look(JOB, ["A", "b"]))
    assert [each.task is not None for each in seen.values()] == [True, False]
    asked.run(poll.look(JOB, ["A", "b"]))
    assert asked.asked == ["list_tasks"] * 2
    first, second = (call.options["filter"] for call in asked.calls)
    assert first == "(state eq 'running' or (state eq 'completed'))"
    assert "stateTransitionTime ge DateTime'2026-01-01T00:00:05Z'" in second
    assert set(asked.calls[0].options["select"]) == {
        "id", "state", "executionInfo", "nodeInfo", "stateTransitionTime",
    }  # fmt: skip


def test_whoever_was_not_watched_at_the_last_look_may_have_completed_before() -> None:
    poll, asked = TasksPoll("j"), listing(wire("a"))
    for ids in (["a", "b"], ["a", "b", "c"], ["a", "b"], ["b", "c"]):
        asked.run(poll.look(JOB, ids))
    assert ["ge DateTime" in call.options["filter"] for call in asked.calls] == [False, False, True, False]


def test_now_and_then_all_that_completed_is_listed() -> None:
    poll, asked = TasksPoll("j"), listing(wire("a"))
    for _ in range(20):
        asked.run(poll.look(JOB, ["a", "b"]))
    lists = [call.options["filter"] for call in asked.calls if call.operation == "list_tasks"]
    whole = [number for number, where in enumerate(lists) if "ge DateTime" not in where]
    assert whole == [0, 9, 19]


def test_a_task_that_was_deleted_among_others_that_wait_is_found_gone() -> None:
    def answer(operation: str, arguments: tuple[str, ...], _: Any) -> Any:
        if operation == "list_tasks":
            return [wire("a", "running")]
        if arguments[1] == "c":
            raise Refusal("TaskNotFound", 404, "no")
        return wire(arguments[1], "active")

    poll, asked, over = TasksPoll("j"), Scripted(answer), set()
    for _ in range(2 * WHOLE_EVERY):
        seen = asked.run(poll.look(JOB, ["a", "b", "c"]))
        over |= {task_id for task_id, each in seen.items() if each.over}
    assert over == {"c"}
    assert asked.asked.count("get_task") == 2


def test_a_single_task_is_asked_for_by_its_id() -> None:
    asked = listing(wire("a", "running"))
    task = asked.run(TasksPoll("j").look(JOB, ["a"]))["a"].task
    assert task is not None
    assert task.state == "running"
    assert asked.asked == ["get_task"]


def test_what_ids_begin_with() -> None:
    assert common_prefix(["dag-1", "dag-22"]) == "dag-"
    assert common_prefix(["dag-1"]) == "dag-1"
    assert common_prefix(["a", "b"]) == ""
