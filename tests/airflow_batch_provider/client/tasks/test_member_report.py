"""What the log of a member says when its Batch task did not do well."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.jobs.report import Report
from airflow_batch_provider.client.requests.records import JobView, task_view
from airflow_batch_provider.client.tasks.member_place import Fate
from airflow_batch_provider.client.tasks.member_report import member_report
from airflow_batch_provider.exceptions import BatchJobHopelessError


def told(task: dict[str, Any] | None, job: JobView | None, *final_exit_codes: int) -> Report:
    view = None if task is None else task_view({"id": "fit", **task})
    return member_report(Fate("j", "fit", job, view), lambda task_id, stream: "a line", final_exit_codes)


def ended(code: str, exit_code: int | None = None, node: str | None = "n1") -> dict[str, Any]:
    info = {
        "result": "failure",
        "exitCode": exit_code,
        "failureInfo": {"category": "usererror", "code": code},
    }
    return {"state": "completed", "executionInfo": info, "nodeInfo": {"nodeId": node} if node else None}


ALIVE, OVER = JobView("j", "active"), JobView("j", "completed", reason="MaxWallClockTimeExpiry")


def test_a_failed_command_is_told_with_its_last_lines() -> None:
    said = told(ended("FailureExitCode", 4), ALIVE)
    assert said.text.startswith("Batch job j\nTask fit: the command ended with an exit code other than 0")
    for words in (
        "exit code 4",
        "Likely cause:",
        "Next step: Read the output below.",
        "on_exit(",
        "| a line",
    ):
        assert words in said.text
    assert (said.codes, said.final) == (("FailureExitCode",), False)
    assert isinstance(told(ended("FailureExitCode", 4), ALIVE, 4).error("j"), BatchJobHopelessError)


def test_a_task_that_was_ended_with_its_job_says_why() -> None:
    text = told(ended("TaskEnded"), OVER).text
    assert "The job ended with MaxWallClockTimeExpiry: the job's max_wall_clock was reached." in text


def test_a_task_that_never_ran_says_why() -> None:
    for task in ({"state": "active"}, ended("TaskEnded", node=None)):
        said = told(task, OVER)
        assert said.text.startswith("Task fit of Batch job j never ran. The job ended with MaxWallClockTime")
        assert "Next step: let Airflow retry" in said.text


def test_a_job_that_was_deleted() -> None:
    for said in (told(None, None), told(None, ALIVE)):
        assert said.codes == ("JobNotFound",)
        assert "Batch job j" in said.text
