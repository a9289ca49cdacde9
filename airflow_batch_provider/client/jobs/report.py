"""The text of a failed job: which tasks failed, why, what they wrote, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from airflow_batch_provider.client.jobs.missing_program import missing_program
from airflow_batch_provider.client.jobs.outcome import Outcome
from airflow_batch_provider.client.requests.failures import NOT_FOUND, not_found, task_failure
from airflow_batch_provider.client.requests.meaning import Layer, Meaning
from airflow_batch_provider.client.requests.records import TaskView
from airflow_batch_provider.client.requests.request_errors import request_error
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobHopelessError

SHOWN = 3
"""Failed tasks that are shown with their output; the others are named."""

_NAMED = 10

EXIT_CODES_TOLD = 100
"""Of a failed job: they go through Airflow's database."""

ON_EXIT = (
    "If the program's exit code is no failure to you, say so by on_exit(code, dependency='satisfy') among "
    "the task's exit_conditions."
)
"""What the author of a job graph can do about an exit code."""

_BEFORE_THE_COMMAND = frozenset({Layer.SUBMIT, Layer.NODE_START, Layer.IMAGE_PULL, Layer.RESOURCE_FILE})

ReadTail = Callable[[str, str], str | None]
"""Gives the last lines of a task's stream, by task id and file name; None when they cannot be had."""

REASONS = {
    "TaskFailed": "the service ended the job because a task failed",
    "MaxWallClockTimeExpiry": "the job's max_wall_clock was reached",
    "UserTerminate": "someone ended the job",
    "AllTasksComplete": "all tasks that could run have ended",
    "JMComplete": "its job manager has ended, which was to end the job",
    "AirflowTaskKilled": "the Airflow task that waited for it was killed, or failed for good",
    "AirflowTimeout": "the timeout of the Airflow task that waited for it was reached",
    "AirflowPreparationFailed": "no node could be prepared for its tasks",
    "AirflowTerminate": "an operator that terminates jobs ended it",
    "AirflowNothingLeftToRun": "the Airflow task ended it, since what was left waits for tasks that failed",
    "AirflowGroupDone": "the Airflow task group that made it was done",
}

_LAYERS = {
    "MaxWallClockTimeExpiry": Layer.WALL_CLOCK,
    "AirflowTimeout": Layer.WALL_CLOCK,
    "AirflowPreparationFailed": Layer.NODE_START,
}


@dataclass(frozen=True)
class Report:
    """A failed job in words.

    Parameters:
        text: what is shown.
        codes: failure codes, most frequent first.
        layer: where the first cause lies.
        final: whether another try cannot help: by its nature, or because the author has said so.
        exit_codes: of failed tasks that have one, by task id; a hundred at most.
        kept_in: ``container/prefix`` where the tasks' output is.
    """

    text: str
    codes: tuple[str, ...]
    layer: Layer
    final: bool = False
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    kept_in: str | None = None

    def error(self, job_id: str) -> BatchJobFailedError:
        """The error to raise: one that Airflow does not retry where a retry cannot help."""
        kind = BatchJobHopelessError if self.final else BatchJobFailedError
        return kind(
            self.text,
            job_id=job_id,
            codes=self.codes,
            layer=self.layer.value,
            exit_codes=self.exit_codes,
            work=self.kept_in,
        )


def report(
    outcome: Outcome,
    read_tail: ReadTail,
    final_exit_codes: Collection[int] = (),
    final_layers: Collection[str] = (),
    kept_in: str | None = None,
    exit_advice: str = ON_EXIT,
) -> Report:
    """Say what became of a job that did not succeed.

    Parameters:
        outcome: what became of it.
        read_tail: gives the last lines that a task wrote.
        final_exit_codes, final_layers: with these another try would not help.
        kept_in: ``container/prefix`` where the tasks' output is, also when the nodes are gone.
        exit_advice: what the author can do about an exit code, where that is not ``on_exit``.
    """
    if outcome.job is None:
        return _gone(outcome)
    codes = Counter(view.code or "Unknown" for view in outcome.failed)
    lines = [_headline(outcome)]
    for view in outcome.failed[:SHOWN]:
        lines += ["", *task_lines(view, read_tail, exit_advice)]
    lines += _others(outcome)
    if kept_in:
        lines += ["", f"What the tasks kept is in {kept_in}."]
    layer = layer_of(outcome)
    final = (
        layer.value in final_layers
        or any(view.exit_code in final_exit_codes for view in outcome.failed)
        or any(_meaning(view).final for view in outcome.failed[:1])
    )
    exit_codes = {view.id: view.exit_code for view in outcome.failed if view.exit_code is not None}
    return Report(
        "\n".join(lines),
        tuple(code for code, _ in codes.most_common()),
        layer,
        final,
        dict(islice(exit_codes.items(), EXIT_CODES_TOLD)),
        kept_in,
    )


def layer_of(outcome: Outcome) -> Layer:
    """Where the first cause of a job's failure lies."""
    if outcome.cause is not None:
        return outcome.cause
    if outcome.failed:
        return task_failure(outcome.failed[0].code).layer
    return _LAYERS.get(outcome.reason, Layer.PLATFORM)


def _gone(outcome: Outcome) -> Report:
    meaning = request_error("JobNotFound")
    return Report(str(meaning.explanation(f"Batch job {outcome.job_id}")), ("JobNotFound",), meaning.layer)


def _headline(outcome: Outcome) -> str:
    assert outcome.job is not None
    parts = [
        f"{len(outcome.failed)} failed" if outcome.failed else "",
        f"{len(outcome.ended)} were ended with the job" if outcome.ended else "",
        f"{len(outcome.blocked)} never ran because a task they wait for failed" if outcome.blocked else "",
        f"{len(outcome.unfinished)} never ran" if outcome.unfinished else "",
        f"{len(outcome.skipped)} skipped by on_exit" if outcome.skipped else "",
        f"{len(outcome.tolerated)} failed as on_exit allows" if outcome.tolerated else "",
        f"{outcome.succeeded_tasks} succeeded",
    ]
    text = f"Batch job {outcome.job_id}: of {outcome.total} tasks " + ", ".join(filter(None, parts)) + "."
    if outcome.job.reason:
        why = REASONS.get(outcome.job.reason, "the reason given by whoever ended it")
        text += f"\nThe job ended with {outcome.job.reason}: {why}."
    if outcome.job.scheduling_error:
        text += f"\nIt could not be scheduled: {outcome.job.scheduling_error}"
    return text + _advice(outcome)


def _advice(outcome: Outcome) -> str:
    assert outcome.job is not None
    if outcome.failed:
        return ""
    if outcome.job.reason == "MaxWallClockTimeExpiry":
        return (
            "\nLikely cause: the tasks take longer than expected, or the pool has too few nodes for them."
            "\nNext step: look at the pool's nodes; raise max_wall_clock if the time was well spent."
        )
    if outcome.job.reason == "AirflowPreparationFailed":
        return (
            "\nLikely cause: the job preparation task fails on every node."
            "\nNext step: read what it has printed, in the log of the Airflow task that ended the job; "
            "correct preparation, and clear the task."
        )
    return (
        "\nLikely cause: a user, another program or a clean-up ended it."
        "\nNext step: let Airflow retry, or clear the task; a new job is submitted then."
    )


def task_lines(view: TaskView, read_tail: ReadTail, exit_advice: str = ON_EXIT) -> list[str]:
    """One failed task in words: the code, likely cause, next step, and the last lines it wrote."""
    meaning = _meaning(view)
    tails: dict[str, str | None] = {}
    if view.node_id is not None:
        tails = {stream: read_tail(view.id, stream) for stream in ("stderr.txt", "stdout.txt")}
    if meaning is NOT_FOUND and (missing := missing_program(tails.get("stderr.txt"))):
        meaning = not_found(repr(missing))
    code = "no exit code" if view.exit_code is None else f"exit code {view.exit_code}"
    kind = "/".join(filter(None, (view.category, view.code))) or "no failure information"
    lines = [
        f"Task {view.id}: {meaning.happened} "
        f"({code}, {kind}; try {view.tries}, node {view.node_id or 'none'})",
    ]
    if view.message and view.code != "FailureExitCode":
        lines.append(f"  Azure Batch says: {view.message}")
    lines += [
        f"    {name}: {value}" for name, value in view.details if view.code != "FailureExitCode" and value
    ]
    lines += [f"  Likely cause: {meaning.cause}", f"  Next step: {meaning.next_step}"]
    if meaning is task_failure("FailureExitCode"):  # and by no signal, which is no code of the program's
        lines[-1] += f" {exit_advice}"
    if tails and _never_started(view, meaning) and set(tails.values()) == {None}:
        return [*lines, "  Its command was never started: there is no output"]
    for stream, tail in tails.items():
        lines += _tail_lines(stream, tail)
    return lines


def _meaning(view: TaskView) -> Meaning:
    told = " ".join([view.message or "", *(value for _, value in view.details)])
    return task_failure(view.code, view.exit_code, told)


def _never_started(view: TaskView, meaning: Meaning) -> bool:
    # The service's start time is of no help: a task that gets its files is running already.
    return view.exit_code is None and meaning.layer in _BEFORE_THE_COMMAND


def _tail_lines(stream: str, tail: str | None) -> list[str]:
    if tail is None:
        return [f"  {stream} cannot be read any more: the node and its files are gone"]
    if not tail.strip():
        return [f"  {stream} is empty"]
    return [f"  Last lines of {stream}:", *(f"    | {line}" for line in tail.splitlines())]


def _others(outcome: Outcome) -> list[str]:
    lines: list[str] = []
    for words, names in (
        ("Also failed", _with_codes(outcome.failed[SHOWN:])),
        ("Failed as on_exit allows", _with_codes(outcome.tolerated)),
        ("Never ran, since a task they wait for failed", outcome.blocked),
        ("Never ran", outcome.unfinished),
        ("Skipped by on_exit", outcome.skipped),
    ):
        if names:
            lines += ["", f"{words}: {_some(names)}"]
    return lines


def _with_codes(views: Sequence[TaskView]) -> list[str]:
    return [
        f"{view.id} ({view.code or 'Unknown'}"
        + (f", exit code {view.exit_code})" if view.exit_code is not None else ")")
        for view in views
    ]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
