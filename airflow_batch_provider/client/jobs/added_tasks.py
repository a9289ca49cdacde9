"""Tasks put into a job that somebody else keeps: adding, watching and ending these, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.client.jobs.outcome import Outcome, is_stalled, judge
from airflow_batch_provider.client.jobs.pool_check import check_pool
from airflow_batch_provider.client.jobs.reactivation import reactivate
from airflow_batch_provider.client.jobs.submission import Wire, add_tasks
from airflow_batch_provider.client.requests.job_requests import ENDED, get_job, list_tasks
from airflow_batch_provider.client.requests.records import TASK_FIELDS, JobView, task_view
from airflow_batch_provider.client.requests.steps import Call, Look, Refusal, Say, Script, Together
from airflow_batch_provider.client.watching.idle_tasks import IdleTasks, Waiting
from airflow_batch_provider.client.watching.outage import Outage
from airflow_batch_provider.client.watching.pace import Pace
from airflow_batch_provider.client.watching.polls import TaskSeen, common_prefix
from airflow_batch_provider.client.watching.ration import Rations, Turns
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.official import OWNER_VARIABLE, owner_of

AddedEnding: TypeAlias = Literal["ended", "gone", "stalled", "unprepared", "timeout"]


def check_added(job: Mapping[str, Any], graph: JobGraph, node_identity: str | None) -> Script[None]:
    """Refuse tasks that the pool of a job can never run; one that is not there is its keeper's concern.

    Parameters:
        job: wire model BatchJob with ``poolInfo`` and ``executionInfo``.
        graph: the tasks.
        node_identity: the identity that the connection names for nodes, if it names one.

    Raises:
        SpecError: names the first.
    """
    named = {**(job.get("poolInfo") or {}), **(job.get("executionInfo") or {})}
    if (pool_id := named.get("poolId")) is None:
        return
    try:
        yield from check_pool(pool_id, graph, node_identity)
    except Refusal as refusal:
        if refusal.code != "PoolNotFound":
            raise


def add_owned(job_id: str, tasks: Sequence[Wire], owner: str, *, again: bool) -> Script[None]:
    """Put tasks into a job, each once; those that an earlier try has put there count.

    Parameters:
        job_id: the job.
        tasks: wire models BatchTaskCreateOptions.
        owner: the task instance.
        again: whether tasks of an earlier try that failed are to run again.

    Raises:
        BatchJobConflictError: an id is taken by a task of another run or program; or the job has ended.
        BatchRequestError: a task was refused.
        Refusal: the request as a whole was refused.
    """
    marked = [_marked(task, owner) for task in tasks]
    if (yield from add_tasks(job_id, marked)) is None:
        raise BatchJobConflictError(
            f"Batch job {job_id} has ended, is ending or does not exist: it takes no more tasks.\n"
            "Likely cause: its own tasks were complete before this, or someone ended it.\n"
            "Next step: name a job that lives on, or run the tasks in a job of their own."
        )
    # Looked at afterwards, and not before: so no other run can come in between.
    listed = yield from list_own(
        job_id, [task["id"] for task in tasks], (*TASK_FIELDS, "environmentSettings")
    )
    foreign = [wire["id"] for wire in listed if owner_of(wire) != owner]
    if foreign:
        raise BatchJobConflictError(
            f"Batch job {job_id} has a task {foreign[0]!r} already that this run did not add"
            f"{f', and {len(foreign) - 1} more such' if foreign[1:] else ''}.\n"
            "Likely cause: an earlier run of the DAG used the same ids.\n"
            "Next step: put the run into the ids, by a function that makes the graph and "
            "graph_kwargs={'run': '{{ ts_nodash }}'}."
        )
    views = [task_view(wire) for wire in listed]
    failed = [view.id for view in views if view.completed and not view.succeeded]
    if again and failed:
        yield from reactivate(job_id, failed, missing_ok=True)


def list_own(
    job_id: str, task_ids: Collection[str], select: Sequence[str], where: str = ""
) -> Script[list[Any]]:
    """Those tasks of a job that are named; others that begin alike are left out.

    Parameters:
        job_id: the job.
        task_ids: the tasks.
        select: the properties to ask for.
        where: a further OData filter.
    """
    prefix = common_prefix(task_ids)
    parts = [where] if where else []
    if prefix:
        parts.append(f"startswith(id,'{prefix}')")
    listed = yield from list_tasks(job_id, where=" and ".join(parts) or None, select=select)
    own = {task_id.lower() for task_id in task_ids}
    return [wire for wire in listed if wire["id"].lower() in own]


@dataclass(frozen=True)
class AddedWatch:
    """What is watched for.

    Parameters:
        job_id: the job.
        task_ids: the tasks.
        deadline: seconds since the epoch after which watching ends.
    """

    job_id: str
    task_ids: Sequence[str]
    deadline: float


def waiting_of_added(job_id: str) -> Waiting:
    """What says why none of the tasks runs."""
    return Waiting(f"What was added to Batch job {job_id} waits")


def watch_added(
    watch: AddedWatch,
    now: Callable[[], float],
    rations: Rations | None = None,
    waiting: Waiting | None = None,
) -> Script[AddedEnding]:
    """Watch tasks of a job until all have completed or can never run; a look that fails is made again.

    Parameters:
        watch: what is watched for.
        now: the time in seconds since the epoch.
        rations: of the requests beyond the look at the job, shared with others; None: this one has its own.
        waiting: says why none of them runs, and can be asked for it afterwards.
    """
    rations = rations or Rations(now)
    watcher = _AddedWatcher(watch, rations, waiting or waiting_of_added(watch.job_id))
    outage = Outage("tasks")
    while True:
        try:
            job = yield Look(watch.job_id)
            ending = yield from watcher.see(job)
        except Refusal as refusal:
            ending = None
            yield from outage.begins(refusal)
        else:
            yield from outage.is_over()
        if ending is not None:
            return ending
        if now() > watch.deadline:
            return "timeout"


class _AddedWatcher:
    """What follows from looks at the job. Its end is seen from the look alone; the tasks are asked for by
    turns, and seldom why they wait, and whether they can ever run, which takes a list of all tasks."""

    def __init__(self, watch: AddedWatch, rations: Rations, waiting: Waiting) -> None:
        self._watch = watch
        self._listing = Turns(rations.tasks)
        self._judging = Turns(rations.counts, Pace(longest=30.0, first=2.0))
        self._idle = IdleTasks(rations)
        self._waiting = waiting
        self._told = ""

    def see(self, job: JobView | None) -> Script[AddedEnding | None]:
        if job is None:
            return "gone"
        if job.ended:
            return "ended"
        if not self._listing.due:
            return None
        left = yield from self._listing.take(self._left())
        if not left:
            return "ended"
        total = len(self._watch.task_ids)
        running = sum(wire["state"] == "running" for wire in left)
        line = f"{total - len(left)} of {total} tasks done, {running} running"
        if line != self._told:
            self._told = line
            yield Say(line)
        waits = all(wire["state"] == "active" for wire in left)
        if waits and self._judging.due:
            stalled = yield from self._judging.take(is_stalled(self._watch.job_id, self._watch.task_ids))
            if stalled:
                return "stalled"
        # One that runs stands for all: then there is no reason to look for.
        first = next((wire for wire in left if wire["state"] == "running"), left[0])
        seen = TaskSeen(job, task_view(first))
        yield from self._idle.look(job, [seen])
        return (yield from self._waiting.judge(self._idle.told(seen)))

    def _left(self) -> Script[list[Any]]:
        select = ("id", "state")
        return (yield from list_own(self._watch.job_id, self._watch.task_ids, select, "state ne 'completed'"))


def read_added(job_id: str, graph: JobGraph) -> Script[Outcome]:
    """Ask what became of the tasks; no other task of the job counts.

    Parameters:
        job_id: the job.
        graph: the tasks.
    """
    job = yield from get_job(job_id)
    if job is None:
        return Outcome(job_id, None, total=len(graph))
    listed = yield from list_own(job_id, [spec.id for spec in graph.specs], TASK_FIELDS)
    return judge(job, graph, map(task_view, listed))


def terminate_added(job_id: str, task_ids: Sequence[str], owner: str | None = None) -> Script[int]:
    """Ask for the end of those tasks that have not completed; each is asked once.

    Parameters:
        job_id: the job.
        task_ids: the tasks.
        owner: the task instance, as long as it is not known that the tasks are its own; others are left.

    Returns:
        How many are being ended.
    """
    select = ("id",) if owner is None else ("id", "environmentSettings")
    left = yield from list_own(job_id, task_ids, select, "state ne 'completed'")
    left = [wire for wire in left if owner is None or owner_of(wire) == owner]
    answers = yield Together([Call("terminate_task", (job_id, wire["id"])) for wire in left])
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    lasting = [each for each in refused if each.code not in ENDED | {"TaskCompleted", "TaskNotFound"}]
    if lasting:
        raise lasting[0]
    return len(answers) - len(refused)


def _marked(task: Wire, owner: str) -> Wire:
    mark = {"name": OWNER_VARIABLE, "value": owner}
    return {**task, "environmentSettings": [*task.get("environmentSettings", ()), mark]}
