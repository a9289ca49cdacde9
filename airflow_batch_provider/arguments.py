"""What operators and sensors take for a text: the text, or the output of another task that will be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from airflow_batch_provider import spec
from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow.sdk import XComArg

__all__ = ["Text", "given", "pool_text", "text"]

Text: TypeAlias = "str | XComArg"
"""Of a templated argument: Airflow puts the output's value in its place before the task runs."""


def text(argument: Text) -> str:
    """The argument as it is, typed as what it will be when the task runs."""
    return cast("str", argument)


def pool_text(argument: object, where: str, *, name: str = "pool_id") -> str:
    """The id of a pool as it is, typed as what it will be when the task runs.

    Parameters:
        argument: text, or the output of another task.
        where: the task that it is given to.
        name: of the argument.

    Raises:
        SpecError: it is the operator or the record of the pool itself, or no text.
    """
    if isinstance(argument, str) or hasattr(argument, "resolve"):  # as all that Airflow resolves has
        return cast("str", argument)
    if hasattr(argument, "task_id") and hasattr(argument, "output"):
        raise SpecError(
            f"{name} is the operator {argument.task_id!r} itself", where=where, right="Write pool.output."
        )
    if isinstance(argument, spec.Pool):
        right = "Write pool.pool_id." if argument.id_by_fingerprint else "Write pool.id."
        raise SpecError(f"{name} is the declaration of pool {argument.id!r}", where=where, right=right)
    raise SpecError(f"{name} is {argument!r}", where=where, right=f"Give the pool's id: {name}='...'.")


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
