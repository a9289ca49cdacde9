"""What became of a job: which of its tasks failed, which never ran, and why the job ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_batch_provider.client.requests.job_requests import get_job, list_tasks
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.records import BLOCKING_FIELDS, JobView, TaskView, task_view
from airflow_batch_provider.client.requests.spans import between, in_words
from airflow_batch_provider.client.requests.steps import Script
from airflow_batch_provider.spec.graph import JobGraph


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters:
        job_id: the job.
        job: its last view; None when it was deleted.
        total: how many tasks it should have.
        succeeded_tasks: how many did well.
        tolerated: tasks that failed in a way that the graph reckons with (``on_exit``).
        failed: tasks that failed by themselves, in the order they are in the graph.
        ended: tasks that were ended from outside because the job was.
        blocked: tasks that never ran because one they wait for failed.
        skipped: tasks that never ran because one they wait for succeeded, as its exit conditions want.
        unfinished: tasks that never ran for another reason, or are missing.
        first_start: when the first of its tasks began to run, ISO 8601.
        requeues: how often tasks were put back because a node was removed or the job disabled.
        task_time: how long its tasks ran, all together; of a task that was started again, its last start
            counts.
        longest: the task that ran longest, and how long.
        cause: the layer of its failure, where that is known otherwise than from the tasks.
    """

    job_id: str
    job: JobView | None
    total: int = 0
    succeeded_tasks: int = 0
    tolerated: tuple[TaskView, ...] = ()
    failed: tuple[TaskView, ...] = ()
    ended: tuple[TaskView, ...] = ()
    blocked: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    first_start: str | None = None
    requeues: int = 0
    task_time: timedelta = timedelta(0)
    longest: tuple[str, timedelta] | None = None
    cause: Layer | None = None

    @property
    def succeeded(self) -> bool:
        """Whether every task did what the graph wants of it."""
        bad = self.failed or self.ended or self.blocked or self.unfinished or self.cause
        return self.job is not None and not bad

    @property
    def reason(self) -> str:
        """Why the job ended, in the service's word."""
        return (self.job.reason if self.job else None) or "unknown"

    @property
    def job_time(self) -> timedelta | None:
        """From its creation to its end; None while it has not ended, or when it was deleted."""
        return between(self.job.started, self.job.ended_at) if self.job else None

    def times(self) -> str | None:
        """How long the job and its tasks took, in words; None when none has run."""
        if self.longest is None:
            return None
        task_id, longest = self.longest
        again = ""
        if self.requeues:
            again = f". {self.requeues} time(s) Batch ran a task again, whose node was lost or job disabled"
        took = f"took {in_words(self.job_time)}, and" if self.job_time is not None else "is ending, and"
        return (
            f"Batch job {self.job_id} {took} its tasks ran for {in_words(self.task_time)} all together; "
            f"the longest, {task_id}, for {in_words(longest)}{again}"
        )


def read_outcome(
    job_id: str, graph: JobGraph, earlier: Mapping[str, TaskView] | None = None, *, only_graph: bool = True
) -> Script[Outcome]:
    """Ask what became of a job.

    Parameters:
        job_id: the job.
        graph: what was submitted; tasks that are in the job and not in it are another's.
        earlier: tasks of the graph that earlier jobs have done, by their id in lower case.
        only_graph: False counts all tasks of the job: for a job whose expansions were not read back yet.
    """
    job = yield from get_job(job_id)
    if job is None:
        return Outcome(job_id, None, total=len(graph))
    listed = yield from list_tasks(job_id)
    return judge(job, graph, map(task_view, listed), earlier, only_graph=only_graph)


def judge(
    job: JobView,
    graph: JobGraph,
    tasks: Iterable[TaskView],
    earlier: Mapping[str, TaskView] | None = None,
    *,
    only_graph: bool = True,
) -> Outcome:
    """Sort the tasks of a job, and those that earlier jobs have done for it, by what became of them.

    Times and requeues are those of the job's own tasks.
    """
    here = {task.id.lower(): task for task in tasks}
    views = {**(earlier or {}), **here}
    own = [spec.id for spec in graph.specs]
    if not only_graph:
        known = {task_id.lower() for task_id in own}
        own += [view.id for key, view in views.items() if key not in known]
    good = 0
    closed: set[str] = set()
    sorted_out: dict[str, list[TaskView]] = {"tolerated": [], "failed": [], "ended": []}
    waiting: list[str] = []
    for task_id in own:
        view = views.get(task_id.lower())
        if view is None or not view.completed:
            waiting.append(task_id)
        elif view.succeeded:
            good += 1
            if graph.has(view.id) and graph.spec(view.id).skips(view.exit_code):
                closed.add(view.id)
        else:
            sorted_out[_kind(view, graph)].append(view)
    if not sorted_out["failed"] and job.reason in ("TaskFailed", "AllTasksComplete"):
        # The job was not ended from outside, so these were the first to go.
        sorted_out["failed"], sorted_out["ended"] = sorted_out["ended"], []
    dead = {view.id for kind in ("failed", "ended") for view in sorted_out[kind]}
    blocked = _blocked(waiting, dead, graph)
    skipped = _blocked(waiting, closed, graph) - blocked
    return Outcome(
        job.id,
        job,
        total=len(own),
        succeeded_tasks=good,
        tolerated=tuple(sorted_out["tolerated"]),
        failed=tuple(sorted_out["failed"]),
        ended=tuple(sorted_out["ended"]),
        blocked=tuple(task_id for task_id in waiting if task_id in blocked),
        unfinished=tuple(task_id for task_id in waiting if task_id not in blocked | skipped),
        skipped=tuple(task_id for task_id in waiting if task_id in skipped),
        **_spans(here.values()),
    )


def judge_one(job_id: str, job: JobView | None, task_id: str, task: TaskView | None) -> Outcome:
    """The outcome of one task, whatever else is in its job.

    Parameters:
        job_id, task_id: the task.
        job: its job; None when that does not exist.
        task: the task; None when it does not exist.
    """
    if task is None or not task.completed:
        return Outcome(job_id, job, total=1, unfinished=(task_id,))
    became: dict[str, Any] = {"succeeded_tasks": 1} if task.succeeded else {"failed": (task,)}
    return Outcome(job_id, job, total=1, **became, **_spans([task]))


def _spans(tasks: Collection[TaskView]) -> dict[str, Any]:
    """The times and requeues of an outcome."""
    ran = {view.id: span for view in tasks if (span := between(view.started, view.ended_at)) is not None}
    return {
        "first_start": min((view.started for view in tasks if view.started), default=None),
        "requeues": sum(view.requeues for view in tasks),
        "task_time": sum(ran.values(), timedelta(0)),
        "longest": max(ran.items(), key=lambda each: each[1], default=None),
    }


def _kind(view: TaskView, graph: JobGraph) -> str:
    if graph.has(view.id) and graph.spec(view.id).tolerates(view.exit_code):
        return "tolerated"
    # A task that its own wall clock ended failed by itself; the service blames the server for it.
    return "ended" if view.code == "TaskEnded" and view.category != "servererror" else "failed"


def _blocked(waiting: Iterable[str], dead: set[str], graph: JobGraph) -> set[str]:
    """Those of the waiting tasks that wait for a dead one, also by way of others."""
    edges = {task_id: graph.upstream(task_id) if graph.has(task_id) else () for task_id in waiting}
    return _closure(edges, dead)


def _closure(edges: Mapping[str, Iterable[str]], dead: set[str]) -> set[str]:
    downstream: dict[str, list[str]] = {}
    for task_id, before in edges.items():
        for each in before:
            downstream.setdefault(each, []).append(task_id)
    blocked: set[str] = set()
    front = list(dead)
    while front:
        for task_id in downstream.get(front.pop(), ()):
            if task_id not in blocked:
                blocked.add(task_id)
                front.append(task_id)
    return blocked


def is_stalled(job_id: str, own: Collection[str] | None = None) -> Script[bool]:
    """Whether every task that has not completed waits, directly or not, for one that blocks it.

    Such a job never ends by itself: nothing cancels a task whose parent ended with the action ``block``
    (Azure Batch: *Create task dependencies*).

    Parameters:
        job_id: the job.
        own: the tasks that count; None: all of the job.
    """
    listed = yield from list_tasks(job_id, select=BLOCKING_FIELDS)
    if own is not None:
        known = {task_id.lower() for task_id in own}
        listed = [wire for wire in listed if wire["id"].lower() in known]
    waiting: dict[str, Iterable[str]] = {}
    dead: set[str] = set()
    for wire in listed:
        view = task_view(wire)
        if view.completed and not satisfies(wire):
            dead.add(view.id)
        elif view.state == "active":
            waiting[view.id] = (wire.get("dependsOn") or {}).get("taskIds") or ()
        elif not view.completed:
            return False
    return bool(waiting) and set(waiting) <= _closure(waiting, dead)


def satisfies(wire: Mapping[str, Any]) -> bool:
    """Whether a completed task lets its dependents run (Azure Batch: *Create task dependencies*)."""
    view = task_view(wire)
    default = "satisfy" if view.succeeded else "block"
    options = _exit_options(view, wire.get("exitConditions") or {})
    return str(options.get("dependencyAction", default)) == "satisfy"


def is_done(wire: Mapping[str, Any]) -> bool:
    """Whether a completed task did what the graph wants of it, so that none needs to run it again."""
    view = task_view(wire)
    if view.succeeded:
        return satisfies(wire)
    options = _exit_options(view, wire.get("exitConditions") or {})
    tolerated = str(options.get("jobAction", "none")) == "none" and view.exit_code is not None
    return view.completed and tolerated and satisfies(wire)


def _exit_options(view: TaskView, conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    code = view.exit_code
    for entry in conditions.get("exitCodes") or ():
        if code is not None and entry["code"] == code:
            return dict(entry["exitOptions"])
    for entry in conditions.get("exitCodeRanges") or ():
        if code is not None and entry["start"] <= code <= entry["end"]:
            return dict(entry["exitOptions"])
    if view.succeeded:
        return {}
    named = "preProcessingError" if code is None else "default"
    if (view.code or "").startswith("FileUpload"):
        named = "fileUploadError"
    return dict(conditions.get(named) or conditions.get("default") or {})
