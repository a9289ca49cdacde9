"""Watching tasks in somebody else's job."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.jobs.added_tasks import AddedWatch, waiting_of_added, watch_added
from airflow_batch_provider.client.requests.records import job_view
from airflow_batch_provider.client.watching.ration import LONGEST_TASKS, Rations
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted

JOB = job_view({"id": "j", "state": "active"})
ENDED = job_view({"id": "j", "state": "completed"})


def wire(task_id: str, state: str, **properties: Any) -> dict[str, Any]:
    return {"id": task_id, "state": state, **properties}


def watched(service: Scripted, *task_ids: str, deadline: float = 1e9, rations: Rations | None = None) -> str:
    return service.run(watch_added(AddedWatch("j", task_ids, deadline), lambda: service.now, rations))


def test_they_are_watched_until_none_is_left_and_others_do_not_count() -> None:
    lists = [
        [wire("a", "active"), wire("b", "running"), wire("ab", "running")],
        [wire("b", "running"), wire("ab", "running")],
        [wire("ab", "running")],
    ]
    service = Scripted(lambda *asked: lists.pop(0), looks=[JOB, BUSY, BUSY, JOB, JOB])
    assert watched(service, "a", "b") == "ended"
    assert [line.partition(" (")[0] for line in service.said] == [
        "0 of 2 tasks done, 1 running",
        "Azure Batch could not be asked",
        "1 of 2 tasks done, 1 running",
        "Azure Batch answers again",
    ]


def test_nothing_is_asked_of_the_tasks_once_the_job_tells_enough() -> None:
    for last, ending in ((ENDED, "ended"), (None, "gone")):
        service = Scripted(looks=[last])
        assert watched(service, "a") == ending
        assert service.asked == []


def test_lists_are_made_by_turns_however_many_jobs_are_watched() -> None:
    def answer(*asked: Any) -> Any:
        rations.tasks.turn(10_000)  # of others, who watch too
        return [wire("a", "running")]

    service = Scripted(answer, looks=[JOB] * 1_001)
    rations = Rations(lambda: service.now)
    assert watched(service, "a", deadline=1_000, rations=rations) == "timeout"
    assert len(service.asked) <= 1 + 1_000 / LONGEST_TASKS


def test_that_they_can_never_run_is_looked_for_seldom() -> None:
    """It takes a list of all tasks of the job, which may have ten thousand."""
    parent = wire("a", "completed", executionInfo={"result": "failure", "exitCode": 1})
    waiting = wire("b", "active", dependsOn={"taskIds": ["a"]})
    free = wire("b", "active")
    service = Scripted(looks=[JOB] * 1_000)
    whole = 0

    def answer(operation: str, arguments: Any, options: dict[str, Any]) -> Any:
        nonlocal whole
        if operation == "get_job_task_counts":
            return {"taskCounts": {"active": 1, "completed": 1}}
        if "filter" in options:
            return [wire("b", "active")]
        whole += 1
        return [parent, waiting] if service.now > 600 else [parent, free]

    service.answer = answer
    assert watched(service, "a", "b") == "stalled"
    assert 600 < service.now < 640
    assert whole < 50


def test_why_none_of_them_runs_is_told_once_and_while_one_runs_nothing_is_asked() -> None:
    pool = {"id": "p", "state": "active", "allocationState": "steady", "currentDedicatedNodes": 0}
    asked: list[str] = []
    waiting = waiting_of_added("j")

    def answer(operation: str, arguments: Any, options: dict[str, Any]) -> Any:
        asked.append(operation)
        return {
            "list_tasks": [wire("a", "active" if service.now < 300 else "running")],
            "get_job_task_counts": {"taskCounts": {"active": 1}},
            "get_pool": pool,
            "list_nodes": [],
        }[operation]

    job = job_view({"id": "j", "state": "active", "executionInfo": {"poolId": "p"}})
    service = Scripted(answer, looks=[job] * 1_000)
    script = watch_added(AddedWatch("j", ["a"], 250.0), lambda: service.now, waiting=waiting)
    assert service.run(script) == "timeout"
    assert "pool p has no nodes" in str(waiting.reason)
    (told,) = [line for line in service.said if "waits" in line]
    assert told.startswith("What was added to Batch job j waits: pool p has no nodes")
    asked.clear()
    service.now = 300.0
    service.run(watch_added(AddedWatch("j", ["a"], 500.0), lambda: service.now, waiting=waiting))
    assert set(asked) == {"list_tasks"}
    assert waiting.reason is None
