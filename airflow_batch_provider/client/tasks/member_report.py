"""The text of one Batch task that did not do what it should."""

from __future__ import annotations

from collections.abc import Collection

from airflow_batch_provider.client.jobs.report import REASONS, ReadTail, Report, task_lines
from airflow_batch_provider.client.requests.failures import task_failure
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.request_errors import request_error
from airflow_batch_provider.client.tasks.member_place import Fate


def member_report(fate: Fate, read_tail: ReadTail, final_exit_codes: Collection[int] = ()) -> Report:
    """Say what became of a task that did not succeed.

    Parameters:
        fate: what became of it.
        read_tail: gives the last lines that it wrote.
        final_exit_codes: with these another try would not help.
    """
    task = fate.task
    if fate.job is None or task is None:
        meaning = request_error("JobNotFound")
        return Report(str(meaning.explanation(f"Batch job {fate.job_id}")), ("JobNotFound",), meaning.layer)
    if not task.completed or (task.node_id is None and task.code == "TaskEnded"):
        return Report(_never_ran(fate), ("TaskEnded",), Layer.PLATFORM)
    lines = [f"Batch job {fate.job_id}", *task_lines(task, read_tail)]
    if task.code == "TaskEnded" and fate.job.reason:
        lines.append(f"  {_ending(fate)}")
    final = task.exit_code is not None and task.exit_code in final_exit_codes
    return Report("\n".join(lines), (task.code or "Unknown",), task_failure(task.code).layer, final)


def _never_ran(fate: Fate) -> str:
    return (
        f"Task {fate.task_id} of Batch job {fate.job_id} never ran. {_ending(fate)}\n"
        "Likely cause: a user, another program or the job's wall clock ended it before the task's turn.\n"
        "Next step: let Airflow retry, or clear the task: it is run in a job of its own then; raise "
        "max_wall_clock if the time was well spent."
    )


def _ending(fate: Fate) -> str:
    reason = (fate.job.reason if fate.job else None) or "an unknown reason"
    why = REASONS.get(reason, "the reason given by whoever ended it")
    return f"The job ended with {reason}: {why}."
