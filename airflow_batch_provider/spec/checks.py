"""Numbers and durations in a specification, which may be Jinja until Airflow has rendered it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias, TypeVar

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import BlobRef, Render, is_template
from airflow_batch_provider.spec.storage_names import check_container

Count: TypeAlias = "int | str"
T = TypeVar("T")

LONGEST = dt.timedelta(days=3653)
"""What is reckoned from now by more than ten years may be no date, and is a mistake."""


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


def check_wait(
    value: object,
    *,
    what: str,
    where: str,
    positive: bool = False,
    least: dt.timedelta = dt.timedelta(0),
) -> None:
    """Check how long something is waited for, or looked back.

    Parameters:
        positive: whether no time at all will not do.
        least: the shortest that will do.

    Raises:
        SpecError: no ``timedelta``, too little, or more than ten years.
    """
    none = dt.timedelta(0)
    if not isinstance(value, dt.timedelta) or value < none or (positive and value == none):
        raise SpecError(
            f"{what} is {value!r}", where=where, right="Give a timedelta(...), such as timedelta(hours=1)."
        )
    if value < least:
        raise SpecError(
            f"{what} is {value.total_seconds():g} s",
            where=where,
            right=f"Give {least.total_seconds():g} s or more, such as {what}=timedelta(seconds=30).",
        )
    if value > LONGEST:
        raise too_long(what, where)


def too_long(what: str, where: str) -> SpecError:
    """The error of a wait that has no end in practice."""
    return SpecError(
        f"{what} is more than ten years", where=where, right=f"Give {LONGEST.days} days or less."
    )


def check_period(value: object, *, what: str, where: str, unit: str = "seconds") -> None:
    """Check a period in seconds. One of 0 would ask the service without a pause.

    Parameters:
        unit: of the number, where it is not seconds.

    Raises:
        SpecError: no number, or none above zero; a ``timedelta`` or a text would fail only when the wait
            begins.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise SpecError(f"{what} is {value!r}", where=where, right=f"Give {unit} as a number, such as 15.")


def check_exit_codes(value: object, *, what: str, where: str) -> None:
    """Check a collection of exit codes.

    Raises:
        SpecError: no collection, or not of whole numbers.
    """
    right = f"Give a list of whole numbers: {what}=[64]."
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Collection):
        raise SpecError(f"{what} is {value!r}", where=where, right=right)
    for code in value:
        if not isinstance(code, int) or isinstance(code, bool):
            raise SpecError(f"an exit code in {what} is {code!r}", where=where, right=right)


def check_choice(value: object, choices: Sequence[object], *, what: str, where: str) -> None:
    """Refuse a value that is none of the choices; Jinja is left for later.

    Raises:
        SpecError: names the nearest choice, or all of them.
    """
    if value in choices or (isinstance(value, str) and is_template(value)):
        return
    hint = nearest(str(value), [str(choice) for choice in choices if choice is not None])
    listed = ", ".join(repr(choice) for choice in choices)
    raise SpecError(f"{what} is {value!r}", where=where, right=hint or f"It is one of {listed}.")


def check_flags(where: str, **values: object) -> None:
    """Refuse what is neither True nor False: a text such as ``"no"`` would count as True.

    Raises:
        SpecError: names the first such value.
    """
    for name, value in values.items():
        if not isinstance(value, bool):
            raise SpecError(f"{name} is {value!r}", where=where, right="It is True or False.")


def check_texts(where: str, **values: object) -> None:
    """Refuse what is no text, or empty. The value is not shown: it may be a secret.

    Raises:
        SpecError: names the first such value.
    """
    for name, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise SpecError(f"{name} is missing, or no text", where=where, right=f"Give {name}='...'.")


def refuse_jinja(where: str, **values: object) -> None:
    """Refuse Jinja in the arguments of a trigger: it would be taken as it is written.

    Raises:
        SpecError: names the first such value.
    """
    for name, value in values.items():
        for text in (value,) if isinstance(value, str) else value if isinstance(value, Sequence) else ():
            if isinstance(text, str) and is_template(text):
                raise SpecError(
                    f"{name} is {text!r}, and nothing fills in its braces",
                    where=where,
                    right="Airflow renders no Jinja in a trigger, and only the prefix of a BlobListedTrigger "
                    "takes dates: write the value itself, or read it in the DAG file, as from os.environ.",
                )


def check_plain(value: object, check: Callable[[str], object]) -> None:
    """Check a templated text when the DAG is parsed, if it is all there; Jinja and XComs are left for later.

    Parameters:
        check: raises ``SpecError`` for what cannot work.
    """
    if isinstance(value, str) and not is_template(value):
        check(value)


def check_work_container(name: object, where: str, what: str = "work_container") -> None:
    """Check a container's name, which may be a template.

    Raises:
        SpecError: no container can have it.
    """
    check_plain(name, lambda plain: check_container(plain, what=what, where=where))


def kinds_named(*names: str) -> tuple[type, ...]:
    """Kinds of records by their names in the package, imported only now.

    Each costs a DAG's parse about half a millisecond, and most pools and tasks have none of their kind.
    """
    from airflow_batch_provider import spec

    return tuple(getattr(spec, name) for name in names)


def check_records(values: object, kinds: type | tuple[type, ...], *, what: str, where: str) -> None:
    """Refuse what is not a sequence of records of these kinds.

    Raises:
        SpecError: names the kinds that are right.
    """
    if isinstance(values, (list, tuple)) and all(isinstance(value, kinds) for value in values):
        return
    names = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    raise SpecError(f"{what} is no list of {names}", where=where, right=f"Write {what}=[...].")


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
