"""Tasks put into a job that somebody else keeps: adding, watching and ending these, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.client.job_requests import ENDED, list_tasks
from airflow_batch_provider.client.outcome import is_stalled
from airflow_batch_provider.client.polls import common_prefix
from airflow_batch_provider.client.reactivation import reactivate
from airflow_batch_provider.client.records import TASK_FIELDS, task_view
from airflow_batch_provider.client.steps import Call, Look, Refusal, Say, Script, Together
from airflow_batch_provider.client.submission import Wire, add_tasks
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec.official import OWNER_VARIABLE, owner_of

AddedEnding: TypeAlias = Literal["ended", "gone", "stalled", "timeout"]


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


def watch_added(watch: AddedWatch, now: Callable[[], float]) -> Script[AddedEnding]:
    """Watch tasks of a job until all have completed or can never run; a look that fails is made again."""
    told = ""
    trouble = False
    while True:
        try:
            job = yield Look(watch.job_id)
            if job is None:
                return "gone"
            select = ("id", "state")
            left = yield from list_own(watch.job_id, watch.task_ids, select, "state ne 'completed'")
            waits = bool(left) and all(wire["state"] == "active" for wire in left)
            if waits and (yield from is_stalled(watch.job_id, watch.task_ids)):
                return "stalled"
            trouble = False
        except Refusal as refusal:
            if not trouble:
                yield Say(f"Azure Batch could not be asked ({refusal}); asking again", "warning")
            trouble = True
        else:
            if not left or job.ended:
                return "ended"
            running = sum(wire["state"] == "running" for wire in left)
            line = f"{len(watch.task_ids) - len(left)} of {len(watch.task_ids)} tasks done, {running} running"
            if line != told:
                told = line
                yield Say(line)
        if now() > watch.deadline:
            return "timeout"


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
