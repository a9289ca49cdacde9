"""What operators and sensors take for a text: the text, or the output of another task that will be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow.sdk import XComArg

__all__ = ["Text", "given", "text"]

Text: TypeAlias = "str | XComArg"
"""Of a templated argument: Airflow puts the output's value in its place before the task runs."""


def text(argument: Text) -> str:
    """The argument as it is, typed as what it will be when the task runs."""
    return cast("str", argument)


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
