"""What operators and sensors take for a text: the text, or the output of another task that will be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from airflow_batch_provider import spec
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, is_template, refuse_wildcards
from airflow_batch_provider.spec.naming import check_id

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from airflow_batch_provider.spec.auto_pool import AutoPool

__all__ = [
    "PoolOfJob",
    "Text",
    "blobs_text",
    "check_target",
    "given",
    "holds_xcoms",
    "is_to_come",
    "known_pool",
    "pool_of_job",
    "pool_text",
    "text",
]

Text: TypeAlias = "str | XComArg"
"""Of a templated argument: Airflow puts the output's value in its place before the task runs."""

PoolOfJob: TypeAlias = "Text | AutoPool"
"""The id of a pool that is there, or the declaration of one that is made for the job."""


def text(argument: Text) -> str:
    """The argument as it is, typed as what it will be when the task runs."""
    return cast("str", argument)


def is_to_come(argument: object) -> bool:
    """Whether it is known only when the task runs: Jinja, or the output of another task."""
    return hasattr(argument, "resolve") or (isinstance(argument, str) and is_template(argument))


def holds_xcoms(value: object) -> bool:
    """Whether it is, or has in it, what Airflow resolves before the task runs."""
    if isinstance(value, Mapping):
        return any(map(holds_xcoms, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(holds_xcoms, value))
    return hasattr(value, "resolve")


def pool_text(argument: object, where: str, *, name: str = "pool_id", instead: str = "") -> str:
    """The id of a pool as it is, typed as what it will be when the task runs.

    Parameters:
        argument: text, or the output of another task.
        where: the task that it is given to.
        name: of the argument.
        instead: what else may be done with the record of a pool.

    Raises:
        SpecError: it is the operator or the record of the pool itself, or no id that a pool can have.
    """
    if is_to_come(argument):
        return cast("str", argument)
    if isinstance(argument, str) and argument.strip():
        return check_id(argument, where=f"{where}, {name}")
    if hasattr(argument, "task_id") and hasattr(argument, "output"):
        raise SpecError(
            f"{name} is the operator {argument.task_id!r} itself", where=where, right="Write pool.output."
        )
    if isinstance(argument, spec.Pool):
        right = "Write pool.pool_id." if argument.id_by_fingerprint else "Write pool.id."
        raise SpecError(
            f"{name} is the declaration of pool {argument.id!r}", where=where, right=right + instead
        )
    raise SpecError(f"{name} is {argument!r}", where=where, right=f"Give the pool's id: {name}='...'.")


def pool_of_job(argument: object, where: str) -> str | AutoPool:
    """What a job runs on, typed as what it will be when the task runs.

    Parameters:
        argument: the id of a pool as text or another task's output, or an ``AutoPool``.
        where: the task that it is given to.

    Raises:
        SpecError: as :func:`pool_text`; or an auto pool that is to serve the jobs of a schedule.
    """
    if isinstance(argument, str) or not isinstance(argument, spec.AutoPool):
        return pool_text(argument, where, instead=" AutoPool(pool) is one of this job's own.")
    if argument.lifetime != "job":
        raise SpecError(
            f"the lifetime of {argument.where} is {argument.lifetime!r}",
            where=where,
            right="That is for JobSchedule; a job has a pool of its own: leave lifetime out.",
        )
    return argument


def known_pool(pool: str | AutoPool) -> str | AutoPool:
    """What a job runs on as far as it is known when the DAG is parsed.

    Parameters:
        pool: as :func:`pool_of_job` gave it.

    Returns:
        It; or some id, in place of a template or another task's output.
    """
    return "known-later" if is_to_come(pool) else pool


def blobs_text(argument: object, where: str) -> str:
    """Where blobs are, as text: templates are rendered in that.

    Parameters:
        argument: as ``spec.blob`` takes it, a reference, or the output of another task.
        where: the task that it is given to.

    Raises:
        SpecError: no place of blobs, or one with wildcards.
    """
    if is_to_come(argument):
        return cast("str", argument)
    try:
        ref = argument if isinstance(argument, BlobRef) else spec.blob(cast("str", argument))
    except SpecError as error:
        raise SpecError(f"blobs: {error.what}", where=where, right=error.right) from None
    refuse_wildcards(ref, where=where)
    return str(ref)


def check_target(argument: object, field: str, where: str) -> None:
    """Check the id of a job, task or job schedule, which may be Jinja or the output of another task.

    Parameters:
        argument: the id. That of a schedule's job holds a colon.
        field: the name of the argument, such as ``job_id`` or ``schedule_id``.
        where: the Airflow task that it is given to.

    Raises:
        SpecError: no such id; or the operator itself that made the job or schedule.
    """
    if hasattr(argument, "task_id") and hasattr(argument, "output"):
        right = "Write schedule.output." if field == "schedule_id" else f"Write job.output[{field!r}]."
        raise SpecError(f"{field} is the operator {argument.task_id!r} itself", where=where, right=right)
    if is_to_come(argument):
        return
    if not isinstance(argument, str) or not argument.strip():
        raise SpecError(f"{field} is {argument!r}", where=where, right=f"Say which: {field}='...'.")
    for part in argument.split(":", 1) if field == "job_id" else [argument]:
        check_id(part, where=f"{where}, {field}")


def given(value: object, field: str, task_id: str) -> str:
    """An id when the task runs, once templates are rendered and outputs of other tasks are known.

    Parameters:
        value: what came out.
        field: the name of the argument.
        task_id: the Airflow task's.

    Raises:
        SpecError: nothing came out. The service would say that there is no such thing, and a deletion would
            take that for its success.
    """
    if isinstance(value, str) and value.strip() not in ("", "None"):
        return value
    raise SpecError(
        f"{field} has come out as {value!r}",
        where=f"task {task_id!r}",
        right="Look at the template, or at the output of the other task that it is taken from.",
    )
