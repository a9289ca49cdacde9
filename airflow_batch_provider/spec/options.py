"""Checks of plain options that tasks and jobs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_batch_provider.spec.command import check_length
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import is_template
from airflow_batch_provider.spec.limits import DISPLAY_NAME_LENGTH
from airflow_batch_provider.spec.values import iso_duration


def environment_pairs(
    environment: object, *, where: str, name: str = "environment"
) -> tuple[tuple[str, str], ...]:
    """Check environment settings, or other names and values.

    Parameters:
        name: of the option.

    Raises:
        SpecError: not a mapping, or a name or value that is no text, or too long. It shows no value of an
            environment but numbers: others may be secret.
    """
    secret = name == "environment"
    if not isinstance(environment, Mapping):
        shown = f"a {type(environment).__name__}" if secret else repr(environment)
        raise SpecError(f"{name} is {shown}", where=where, right="Write {'NAME': 'value'}.")
    for each, value in environment.items():
        if not isinstance(each, str) or not each or "=" in each:
            raise SpecError(f"a name in {name} is {each!r}", where=where, right="A name is text without '='.")
        if isinstance(value, str):
            if secret:
                check_length(f"{each}={value}", f"{each} in {name}", where)
            continue
        if hasattr(value, "resolve"):
            raise unresolved(f"{each} in {name}", value, where)
        if secret and not isinstance(value, (int, float, type(None))):
            kind = type(value).__name__
            raise SpecError(f"{each} in {name} is a {kind}", where=where, right="Values are text.")
        raise SpecError(
            f"{each} in {name} is {value!r}", where=where, right=f"Values are text: {str(value)!r}."
        )
    return tuple(environment.items())


def unresolved(what: str, output: object, where: str) -> SpecError:
    """The error of the output of another task where Airflow does not put its value in.

    Parameters:
        what: the argument that it was given for.
        output: Airflow's ``XComArg``, whose text is Jinja most often.
        where: the task or the group.
    """
    jinja = str(output) if is_template(str(output)) else "{{ ti.xcom_pull(task_ids='...') }}"
    return SpecError(
        f"{what} is the output of another task, which is not put in here",
        where=where,
        right=f'Write "{jinja}", and draw an arrow from that task.',
    )


def whole(value: object, name: str, least: int, where: str) -> int | None:
    """Check a whole number that may be left out.

    Raises:
        SpecError: no whole number, or below the least.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(
            f"{name} is {value!r}", where=where, right=f"A whole number from {least} up is needed."
        )
    return value


def display_name(name: object, where: str) -> str | None:
    """Check what people see beside an id.

    Raises:
        SpecError: no text, or too long.
    """
    if name is None:
        return None
    if not isinstance(name, str) or len(name) > DISPLAY_NAME_LENGTH:
        raise SpecError(
            f"display_name is {str(name)[:40]!r}",
            where=where,
            right=f"It is a text of at most {DISPLAY_NAME_LENGTH} characters.",
        )
    return name


def duration(value: object, name: str, where: str) -> timedelta | None:
    """Check a length of time.

    Raises:
        SpecError: no timedelta, or not positive.
    """
    if value is None:
        return None
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise SpecError(f"{name} is {value!r}", where=where, right="Give a positive timedelta(...).")
    return value


def constraints_wire(
    max_wall_clock: timedelta | None, retention: timedelta | None, max_retries: int | None
) -> dict[str, Any]:
    """The wire model BatchTaskConstraints, with what was given; empty when nothing was."""
    wire: dict[str, Any] = {}
    if max_wall_clock is not None:
        wire["maxWallClockTime"] = iso_duration(max_wall_clock)
    if retention is not None:
        wire["retentionTime"] = iso_duration(retention)
    if max_retries is not None:
        wire["maxTaskRetryCount"] = max_retries
    return wire
