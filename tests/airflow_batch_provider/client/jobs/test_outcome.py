from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.client.jobs.outcome import Outcome, judge, judge_one
from airflow_batch_provider.client.jobs.report import report
from airflow_batch_provider.client.requests.records import JobView, TaskView, task_view
from airflow_batch_provider.client.requests.request_errors import request_failure
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.exceptions import (
    AzureBatchError,
    BatchJobFailedError,
    BatchJobHopelessError,
    BatchRequestError,
)
from airflow_batch_provider.spec import JobGraph, on_exit

GOOD: dict[str, Any] = {"state": "completed", "executionInfo": {"result": "success", "exitCode": 0}}


def task(task_id: str, code: str | None = None, exit_code: int | None = None, **info: Any) -> TaskView:
    if code is None:
        return task_view({"id": task_id, **GOOD})
    failure = {"code": code, "category": info.pop("category", "usererror"), **info}
    execution = {"result": "failure", "failureInfo": failure, "exitCode": exit_code, "retryCount": 1}
    return task_view(
        {"id": task_id, "state": "completed", "executionInfo": execution, "nodeInfo": {"nodeId": "tvm-1"}}
    )


def waiting(task_id: str) -> TaskView:
    return TaskView(task_id, "active")


def chain(*ids: str, **options: Any) -> JobGraph:
    graph = JobGraph()
    before = None
    for task_id in ids:
        made = graph.task(task_id, "x", **options)
        if before is not None:
            before >> made
        before = made
    return graph


def outcome(graph: JobGraph, *tasks: TaskView, reason: str = "AllTasksComplete") -> Outcome:
    return judge(JobView("j", "completed", reason), graph, tasks)


def test_all_good_is_success_and_foreign_tasks_do_not_count() -> None:
    result = outcome(chain("a", "b"), task("A"), task("b"), task("foreign", "FailureExitCode", 1))
    assert result.succeeded
    assert (result.total, result.succeeded_tasks) == (2, 2)


def test_a_repairing_job_counts_what_was_kept_and_tells_the_times_of_its_own_tasks() -> None:
    def ran(task_id: str, minutes: int) -> TaskView:
        times = {"startTime": "2026-01-01T10:00:00Z", "endTime": f"2026-01-01T10:{minutes:02}:00Z"}
        return task_view(
            {"id": task_id, "state": "completed", "executionInfo": {**GOOD["executionInfo"], **times}}
        )

    kept = {"a": ran("a", 50)}
    result = judge(JobView("j", "completed", "AllTasksComplete"), chain("a", "b"), [ran("b", 5)], kept)
    assert (result.total, result.succeeded_tasks) == (2, 2)
    assert result.task_time == timedelta(minutes=5)
    assert result.longest == ("b", timedelta(minutes=5))
    assert "ran a task again" not in str(result.times())


def test_tasks_that_were_put_back_and_short_ones_are_told_with_the_times() -> None:
    info = {"startTime": "2026-01-01T10:00:00Z", "endTime": "2026-01-01T10:00:00.2Z", "requeueCount": 2}
    view = task_view({"id": "a", "state": "completed", "executionInfo": {**GOOD["executionInfo"], **info}})
    told = str(outcome(chain("a"), view).times())
    assert "the longest, a, for less than half a second. 2 time(s) Batch ran a task again" in told


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [
        (137, "killed (SIGKILL)"), (-9, "ran out of memory"), (139, "crashed (SIGSEGV)"),
        (134, "gave itself up (SIGABRT)"), (143, "told to end (SIGTERM)"), (-15, "told to end (SIGTERM)"),
        (65, "an exit code other than 0"), (128, "an exit code other than 0"),
        (255, "an exit code other than 0"),
    ],
)  # fmt: skip
def test_a_command_that_a_signal_ended_is_explained_by_it(exit_code: int, said: str) -> None:
    result = outcome(chain("a"), task("a", "FailureExitCode", exit_code), reason="TaskFailed")
    text = report(result, lambda task_id, stream: "").text
    assert said in text
    assert f"(exit code {exit_code}, " in text
    assert "its last lines of stderr say which" not in text
    assert "stderr.txt is empty" in text


@pytest.mark.parametrize(
    ("stderr", "named"),
    [
        ("/bin/sh: 1: ffmpeg: not found", "'ffmpeg'"),
        ("begun\n/bin/bash: line 3: a-tool: command not found\nmore", "'a-tool'"),
        ("sh: ffmpeg: not found", "'ffmpeg'"),
        ("/usr/bin/env: ‘python3.12’: No such file or directory", "'python3.12'"),
        ("./run: error while loading shared libraries: libx.so.1: cannot open", "'libx.so.1'"),
        ("something else", "A program that it names, or a library of that,"),
        (None, "A program that it names, or a library of that,"),
    ],
)
def test_a_command_that_is_not_found_is_named(stderr: str | None, named: str) -> None:
    result = outcome(chain("a"), task("a", "FailureExitCode", 127), reason="TaskFailed")
    made = report(result, lambda task_id, stream: stderr if stream == "stderr.txt" else "")
    assert f"Likely cause: {named} is not where the command runs: on the node, or in the image" in made.text
    assert "install it by an application package, start task or image" in made.text


def test_failed_ended_blocked_and_missing_tasks_are_told_apart() -> None:
    graph = chain("a", "b", "c")
    graph.task("beside", "x")
    graph.task("missing", "x")
    result = outcome(
        graph,
        task("a", "FailureExitCode", 1),
        waiting("b"),
        waiting("c"),
        task("beside", "TaskEnded"),
        reason="TaskFailed",
    )
    assert [view.id for view in result.failed] == ["a"]
    assert [view.id for view in result.ended] == ["beside"]
    assert result.blocked == ("b", "c")
    assert result.unfinished == ("missing",)
    assert not result.succeeded


def test_a_task_that_its_own_clock_ended_failed_by_itself() -> None:
    graph = chain("a")
    by_server = outcome(graph, task("a", "TaskEnded", category="servererror"), reason="TaskFailed")
    assert [view.id for view in by_server.failed] == ["a"]
    first = outcome(graph, task("a", "TaskEnded"), reason="TaskFailed")
    assert [view.id for view in first.failed] == ["a"]
    by_user = outcome(graph, task("a", "TaskEnded"), reason="UserTerminate")
    assert [view.id for view in by_user.ended] == ["a"]


def test_an_exit_that_the_author_reckons_with_is_tolerated() -> None:
    graph = chain("a", "b", exit_conditions=[on_exit(3, dependency="satisfy")])
    result = outcome(graph, task("a", "FailureExitCode", 3), task("b"))
    assert result.succeeded
    assert [view.id for view in result.tolerated] == ["a"]
    assert not outcome(graph, task("a", "FailureExitCode", 4), task("b")).succeeded


def told(result: Outcome) -> tuple[str, BatchJobFailedError]:
    made = report(result, lambda task_id, stream: f"{stream} of {task_id}" if stream == "stderr.txt" else "")
    return made.text, made.error(result.job_id)


def test_the_report_shows_the_first_failures_and_names_the_others() -> None:
    graph = JobGraph()
    graph.fan_out("n", range(20), lambda i: dict(command="x"))
    views = [task(f"n-{n:04d}", "FailureExitCode", n + 1) for n in range(20)]
    text, error = told(outcome(graph, *views, reason="TaskFailed"))
    assert "of 20 tasks 20 failed, 0 succeeded" in text
    assert text.count("Last lines of stderr.txt") == 3
    assert "    | stderr.txt of n-0002" in text
    assert "(exit code 1, usererror/FailureExitCode; try 2, node tvm-1)" in text
    assert "Also failed: n-0003 (FailureExitCode, exit code 4)" in text
    assert "and 7 more" in text
    assert error.codes == ("FailureExitCode",)
    assert error.exit_codes == {f"n-{n:04d}": n + 1 for n in range(20)}
    assert error.job_id == "j"
    assert len(text.splitlines()) < 60


def test_the_services_own_words_and_details_are_shown_where_they_say_more() -> None:
    view = task(
        "a", "BlobNotFound", message="The blob is not there", details=[{"name": "FilePath", "value": "x"}]
    )
    text, _ = told(outcome(chain("a"), view, reason="TaskFailed"))
    assert "Azure Batch says: The blob is not there" in text
    assert "    FilePath: x" in text


def test_what_the_service_tells_of_a_command_that_is_too_long_is_read() -> None:
    details = [{"name": "Message", "value": "[Errno 7] Argument list too long: '/bin/true'"}]
    text, _ = told(
        outcome(chain("a"), task("a", "CommandLaunchFailed", details=details), reason="TaskFailed")
    )
    assert "128 KiB" in text
    assert "another processor" not in text


def test_what_a_retry_cannot_change_is_not_retried() -> None:
    _, error = told(outcome(chain("a"), task("a", "CommandProgramNotFound"), reason="TaskFailed"))
    assert isinstance(error, BatchJobHopelessError)
    assert error.layer == "command"
    _, error = told(outcome(chain("a"), task("a", "BlobNotFound"), reason="TaskFailed"))
    assert not isinstance(error, BatchJobHopelessError)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("MaxWallClockTimeExpiry", "raise max_wall_clock"),
        ("UserTerminate", "someone ended the job"),
        ("AirflowTaskKilled", "was killed, or failed for good"),
        ("AirflowPreparationFailed", "no node could be prepared"),
        ("OfAnotherProgram", "whoever ended it"),
    ],
)
def test_a_job_that_was_ended_says_by_what(reason: str, expected: str) -> None:
    text, _ = told(outcome(chain("a"), waiting("a"), reason=reason))
    assert reason in text
    assert expected in text
    assert "Next step:" in text


def test_a_deleted_job_is_explained() -> None:
    text, error = told(Outcome("j", None, total=3))
    assert "the job does not exist any more" in text
    assert error.codes == ("JobNotFound",)


def test_output_that_cannot_be_read_is_said() -> None:
    graph = chain("a")
    made = report(outcome(graph, task("a", "FailureExitCode", 1)), lambda task_id, stream: None)
    assert "stderr.txt cannot be read any more" in made.text


def test_a_task_that_never_started_has_no_output_to_miss() -> None:
    made = report(outcome(chain("a"), task("a", "UserAccountNotFound")), lambda task_id, stream: None)
    assert "Its command was never started: there is no output" in made.text
    assert "cannot be read" not in made.text
    assert made.final


@pytest.mark.parametrize(("final", "hopeless"), [((65,), True), ((64,), False), ((), False)])
def test_the_author_says_which_exit_codes_end_the_tries(final: tuple[int, ...], hopeless: bool) -> None:
    ended = outcome(chain("a"), task("a", "FailureExitCode", 65))

    made = report(ended, lambda task_id, stream: None, final).error("j")

    assert isinstance(made, BatchJobHopelessError) is hopeless


def test_a_refused_request_reads_like_help() -> None:
    error = request_failure(Refusal("AuthenticationFailed", 403, "no"), "Submitting Batch job j")
    assert isinstance(error, BatchRequestError)
    assert isinstance(error, AzureBatchError)
    assert (error.code, error.status) == ("AuthenticationFailed", 403)
    assert str(error).startswith("Submitting Batch job j: Azure Batch does not accept the credentials (403 ")
    assert "Likely cause: The account key is wrong" in str(error)
    lost = request_failure(Refusal("", 0, "connection refused"), "Looking at pool p")
    assert "no answer from Azure Batch (connection refused)" in str(lost)


def test_one_task_has_its_own_times_and_requeues() -> None:
    times = {"startTime": "2026-01-01T12:00:10Z", "endTime": "2026-01-01T12:00:40Z", "requeueCount": 2}
    wire = {"id": "one", "state": "completed", "executionInfo": {"result": "success", **times}}
    outcome = judge_one("j", JobView("j", "active"), "one", task_view(wire))
    assert (outcome.total, outcome.succeeded_tasks, outcome.requeues) == (1, 1, 2)
    assert outcome.longest == ("one", timedelta(seconds=30))
    assert outcome.task_time == timedelta(seconds=30)
    running = judge_one("j", JobView("j", "active"), "one", waiting("one"))
    assert (running.unfinished, running.longest) == (("one",), None)


def test_the_counts_of_a_failed_job_add_up_and_every_task_is_named() -> None:
    graph = chain("bad", "next")
    for each, conditions in (
        ("checked", {on_exit(7, dependency="satisfy")}),
        ("quiet", {on_exit(0, dependency="block")}),
    ):
        graph.task(each, "x", exit_conditions=[*conditions]) >> graph.task(f"after-{each}", "x")
    seen = [
        task("bad", "FailureExitCode", 1), waiting("next"), task("checked", "FailureExitCode", 7),
        task("after-checked"), task("quiet"), waiting("after-quiet"),
    ]  # fmt: skip
    text = report(outcome(graph, *seen, reason="AirflowNothingLeftToRun"), lambda *asked: None).text
    assert (
        "of 6 tasks 1 failed, 1 never ran because a task they wait for failed, 1 skipped by on_exit, "
        "1 failed as on_exit allows, 2 succeeded."
    ) in text
    assert "Failed as on_exit allows: checked (FailureExitCode, exit code 7)" in text
    assert "Skipped by on_exit: after-quiet" in text
    assert "the Airflow task ended it, since what was left waits for tasks that failed." in text
