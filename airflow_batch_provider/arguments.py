"""What operators and sensors take for a text: the text, or the output of another task that will be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from airflow.sdk import XComArg

__all__ = ["Text", "text"]

Text: TypeAlias = "str | XComArg"
"""Of a templated argument: Airflow puts the output's value in its place before the task runs."""


def text(argument: Text) -> str:
    """The argument as it is, typed as what it will be when the task runs."""
    return cast("str", argument)
