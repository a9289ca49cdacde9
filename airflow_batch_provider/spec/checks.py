"""Numbers and durations in a specification, which may be Jinja until Airflow has rendered it."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias, TypeVar

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, Render, is_template

Count: TypeAlias = "int | str"
T = TypeVar("T")


def check_count(value: object, minimum: int, maximum: int, *, where: str) -> int | str:
    """Check a whole number; text that is one is taken as such, Jinja is left for later.

    Raises:
        SpecError: no whole number, or out of range.
    """
    if isinstance(value, str) and is_template(value):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise SpecError(
            f"the value is {value!r}", where=where, right=f"It is a whole number from {minimum} to {maximum}."
        )
    return value


def check_duration(
    value: object, minimum: dt.timedelta, maximum: dt.timedelta, *, where: str
) -> dt.timedelta:
    """Check a duration.

    Raises:
        SpecError: no ``timedelta``, or out of range.
    """
    if not isinstance(value, dt.timedelta) or not minimum <= value <= maximum:
        raise SpecError(
            f"the duration is {value!r}",
            where=where,
            right=f"It is a timedelta from {minimum} to {maximum} (hours:minutes:seconds).",
        )
    return value


def rendered(value: T, render: Render) -> T:
    """Render all Jinja in a specification: in text, lists, mappings and records."""
    made: Any = value
    if isinstance(value, str):
        made = render(value) if is_template(value) else value
    elif isinstance(value, BlobRef):
        made = value.rendered(render)
    elif isinstance(value, dict):
        made = {rendered(key, render): rendered(item, render) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        made = type(value)(rendered(item, render) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        made = replace(
            value, **{field.name: rendered(getattr(value, field.name), render) for field in fields(value)}
        )
    return made  # type: ignore[no-any-return]
