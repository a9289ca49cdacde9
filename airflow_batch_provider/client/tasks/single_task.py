"""One task in a job that it may share with others: having it, ending it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeAlias

from airflow_batch_provider.client.jobs.outcome import Outcome, judge_one
from airflow_batch_provider.client.pools.pool_requests import delete_pool
from airflow_batch_provider.client.requests.job_requests import (
    ENDED,
    GONE,
    end_when_done,
    get_job,
    list_tasks,
    patiently,
)
from airflow_batch_provider.client.requests.records import (
    JOB_FIELDS,
    TASK_FIELDS,
    TaskView,
    job_view,
    task_view,
)
from airflow_batch_provider.client.requests.steps import Call, Refusal, Say, Script, Send
from airflow_batch_provider.client.requests.too_large import too_large
from airflow_batch_provider.exceptions import BatchJobConflictError
from airflow_batch_provider.spec.official import JOB_MARK, owner_of

_MAX_JOBS = _MAX_TASKS = 50
"""Tries of one task instance before it is cleared: more retries than that are a mistake."""

_NO_TASK = GONE | {"TaskNotFound"}
_FIELDS = (*TASK_FIELDS, "environmentSettings")


@dataclass(frozen=True)
class TaskClaim:
    """A task of this task instance: in which job, under which id, whether an earlier try made it."""

    job_id: str
    task_id: str
    attached: bool


Settle: TypeAlias = Callable[[str, str], None]
"""Called with job and task id before the task is asked for, to be remembered in time."""


class SharedTask(Protocol):
    """One task in a job that others may share.

    ``owner`` tells its task instance from all others. ``job_ids`` and ``task_ids`` give the ids to try, in
    order, and ``job_id`` and ``task_id`` are the first. ``awaited`` gives beginnings of the ids of tasks that
    must be in a job before it may end by itself. ``exit_advice`` tells what to do about an exit code.
    """

    @property
    def owner(self) -> str: ...
    @property
    def job_id(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def pool_id(self) -> str | None: ...
    @property
    def exit_advice(self) -> str: ...
    def job_ids(self) -> Iterator[str]: ...
    def task_ids(self) -> Iterator[str]: ...
    def awaited(self, job_id: str) -> Collection[str]: ...
    def job_wire(self, job_id: str) -> dict[str, Any]: ...
    def task_wire(self, task_id: str, job_id: str) -> dict[str, Any]: ...
    def owns(self, wire: Mapping[str, Any]) -> bool: ...


def claim_task(plan: SharedTask, settle: Settle) -> Script[TaskClaim]:
    """Put the task into its job, which is made if it is not there; or find what an earlier try has put there.

    All ids follow from the task instance and are tried in one order, so that whoever takes over after a crash
    finds the same task. A task of another run under the same id is left alone and not taken for this one.

    Raises:
        BatchJobConflictError: as many tries have failed as one task instance has.
        Refusal: the service refused job or task.
    """
    for job_id in islice(plan.job_ids(), _MAX_JOBS):
        ends_by_itself = yield from _have_job(job_id, plan)
        claim = yield from _claim_in(job_id, plan, settle)
        if claim is not None:
            if ends_by_itself and (yield from _all_are_in(job_id, plan)):
                yield from end_when_done(job_id)
            return claim
        yield Say(f"Batch job {job_id} has ended or is ending; using another")
    raise BatchJobConflictError(
        f"Batch job {plan.job_id} and {_MAX_JOBS - 1} others that this task may use have ended.\n"
        "Likely cause: a very large number of retries.\nNext step: clear the Airflow task, or name another "
        "batch_job_id."
    )


def _have_job(job_id: str, plan: SharedTask) -> Script[bool]:
    """Make the job if it is not there; whether it is one of ours, which ends when its tasks are complete."""
    try:
        yield from patiently(Call("create_job", (plan.job_wire(job_id),)))
    except Refusal as refusal:
        if refusal.code not in ("JobExists", "JobBeingDeleted"):
            raise
    else:
        return True
    job = yield from get_job(job_id)
    return job is not None and JOB_MARK in (job.marks or {})


def _all_are_in(job_id: str, plan: SharedTask) -> Script[bool]:
    """Whether no task will follow. Whoever comes last sees them all, so that one of several tells the job."""
    return not plan.awaited(job_id) or not (yield from not_in_job(job_id, plan))


def not_in_job(job_id: str, plan: SharedTask) -> Script[list[int]]:
    """Which of those that are awaited have no task in the job, by their places."""
    there = {str(wire["id"]).lower() for wire in (yield from list_tasks(job_id, select=("id",)))}
    return [
        place
        for place, start in enumerate(plan.awaited(job_id))
        if not any(each.startswith(start.lower()) for each in there)
    ]


def _claim_in(job_id: str, plan: SharedTask, settle: Settle) -> Script[TaskClaim | None]:
    """None when the job takes no more tasks and holds none of ours that did well."""
    for task_id in islice(plan.task_ids(), _MAX_TASKS):
        settle(job_id, task_id)
        over = False
        wire = plan.task_wire(task_id, job_id)
        try:
            yield from patiently(Call("create_task", (job_id, wire)))
            return TaskClaim(job_id, task_id, attached=False)
        except Refusal as refusal:
            if refusal.code == "RequestBodyTooLarge":
                raise too_large(wire, refusal) from None
            over = refusal.code in ENDED
            if not over and refusal.code != "TaskExists":
                raise
        there = yield from _find_task(job_id, task_id)
        if there is None and over:
            return None
        view = task_view(there) if there is not None else None
        if there is not None and view is not None and plan.owns(there) and _serves(view, over=over):
            return TaskClaim(job_id, task_id, attached=True)
        yield Say(_passed_by(task_id, view, owned=there is not None and plan.owns(there)))
    raise BatchJobConflictError(
        f"All {_MAX_TASKS} tasks that this Airflow task may put into Batch job {job_id} have failed.\n"
        "Likely cause: a very large number of retries.\nNext step: clear the Airflow task."
    )


def _serves(view: TaskView, *, over: bool) -> bool:
    """Whether a task of an earlier try is worth waiting for: not one that failed, or that will never run."""
    return bool(view.succeeded) or (not view.completed and not over)


def _passed_by(task_id: str, view: TaskView | None, *, owned: bool) -> str:
    if owned or view is None:
        return f"Batch task {task_id} of an earlier try did not succeed; submitting anew"
    return f"The task id {task_id} is taken by a task that was submitted for another run; using another id"


def _find_task(job_id: str, task_id: str) -> Script[Mapping[str, Any] | None]:
    try:
        found: Mapping[str, Any] = yield from patiently(
            Call("get_task", (job_id, task_id), {"select": list(_FIELDS)})
        )
    except Refusal as refusal:
        if refusal.code in _NO_TASK:
            return None
        raise
    return found


def task_outcome(job_id: str, task_id: str) -> Script[Outcome]:
    """What became of one task; whatever else is in its job does not count."""
    job = yield from get_job(job_id)
    wire = yield from _find_task(job_id, task_id)
    return judge_one(job_id, job, task_id, None if wire is None else task_view(wire))


def terminate_task(job_id: str, task_id: str, owner: str) -> Script[bool]:
    """End a task if it was submitted for this owner; asked once, since whoever kills a task does not wait.

    Returns:
        Whether there was something to end.
    """
    try:
        wire = yield Call("get_task", (job_id, task_id), {"select": list(_FIELDS)})
        if owner_of(wire) != owner or task_view(wire).completed:
            return False
        yield Call("terminate_task", (job_id, task_id))
    except Refusal as refusal:
        if refusal.code in _NO_TASK | ENDED | {"TaskCompleted"}:
            return False
        raise
    return True


def leave_task(job_id: str, task_id: str, owner: str, *, others: bool) -> Script[bool]:
    """End a task as ``terminate_task`` does; a job that was made here ends when the tasks in it are complete.

    Parameters:
        job_id, task_id, owner: the task.
        others: tasks of others are awaited in the job: it waits for them, and they see to its end.

    Returns:
        Whether there was something to end.
    """
    ended = yield from terminate_task(job_id, task_id, owner)
    if others:
        return ended
    try:
        job = job_view((yield Call("get_job", (job_id,), {"select": list(JOB_FIELDS)})))
    except Refusal as refusal:
        if refusal.code in GONE:
            return ended
        raise
    if job.ending or job.ends_by_itself or JOB_MARK not in (job.marks or {}):
        return ended
    yield from end_when_done(job_id, tries=1)
    return True


def delete_job(job_id: str) -> Script[None]:
    """Delete a job, unless tasks of others still wait or run in it."""
    try:
        others = yield from list_tasks(job_id, where="state ne 'completed'", select=("id",))
        if others:
            yield Say(f"Batch job {job_id} is not deleted: others' tasks are still in it", "warning")
            return
        yield from patiently(Send("DELETE", f"/jobs/{job_id}"))
        yield Say(f"Batch job {job_id} is being deleted")
    except Refusal as refusal:
        if refusal.code not in GONE | {"JobBeingDeleted"}:
            raise


def delete_idle_pool(pool_id: str) -> Script[None]:
    """Delete a pool, unless tasks of others run on its nodes."""
    options = {"filter": "state eq 'running'", "select": ["id"]}
    busy = yield from patiently(Call("list_nodes", (pool_id,), options, answer="pages"))
    if busy:
        yield Say(f"Pool {pool_id} is not deleted: {len(busy)} of its nodes run tasks", "warning")
    elif (yield from delete_pool(pool_id)):
        yield Say(f"Pool {pool_id} is being deleted")


def verified_images() -> Script[list[Mapping[str, Any]]]:
    """The images that the service has verified (wire models BatchSupportedImage)."""
    options = {"filter": "verificationType eq 'verified'"}
    listed: list[Mapping[str, Any]] = yield from patiently(
        Call("list_supported_images", (), options, answer="pages")
    )
    return listed
