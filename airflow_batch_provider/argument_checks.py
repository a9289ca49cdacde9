"""Checks of arguments by their kind. Each is given the value, the argument's name, and where it is given.

What Airflow renders or resolves before the task runs is left for then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from airflow_batch_provider.arguments import check_target, holds_xcoms, is_to_come, pool_of_job, pool_text
from airflow_batch_provider.spec.checks import (
    check_choice,
    check_exit_codes,
    check_flags,
    check_period,
    check_wait,
    check_work_container,
)
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.options import environment_pairs, unresolved, whole
from airflow_batch_provider.spec.patterns import check_pattern

Check: TypeAlias = "Callable[[Any, str, str], object]"
"""Refuses a value by a ``SpecError``."""

Checks: TypeAlias = "Mapping[str, Check]"
"""Name of an argument -> its check."""


def extended(checks: Checks, **further: Check) -> Checks:
    """Checks, and further ones or others for some of the names.

    Parameters:
        checks: those that hold as far as there are no others.
        further: name of an argument -> its check.
    """
    return {**checks, **further}


def flag(value: Any, name: str, where: str) -> None:
    """True or False."""
    check_flags(where, **{name: value})


def word(value: Any, name: str, where: str) -> None:
    """A text that says something."""
    if not is_to_come(value) and (not isinstance(value, str) or not value.strip()):
        raise SpecError(f"{name} is {value!r}", where=where, right=f"Give a text: {name}='...'.")


def words(value: Any, name: str, where: str) -> None:
    """A text that may be empty."""
    if not isinstance(value, str):
        word(value, name, where)


def period(value: Any, name: str, where: str) -> None:
    """A period in seconds."""
    check_period(value, what=name, where=where)


def wait(value: Any, name: str, where: str) -> None:
    """How long is waited."""
    check_wait(value, what=name, where=where)


def some_wait(value: Any, name: str, where: str) -> None:
    """How long is waited, not at all excluded."""
    check_wait(value, what=name, where=where, positive=True)


def at_least(least: int) -> Check:
    """A whole number from the least up; None where it may be left out, by :func:`optional`."""

    def check(value: Any, name: str, where: str) -> None:
        if whole(value, name, least, where) is None:
            raise SpecError(
                f"{name} is None", where=where, right=f"A whole number from {least} up is needed."
            )

    return check


def one_of(*choices: str | None) -> Check:
    """One of these values."""
    return lambda value, name, where: check_choice(value, choices, what=name, where=where)


def optional(check: Check) -> Check:
    """None, or what passes a check."""
    return lambda value, name, where: None if value is None else check(value, name, where)


def as_text(check: Check) -> Check:
    """What passes a check, and is no output of another task: it is only rendered, and not resolved."""

    def checked(value: Any, name: str, where: str) -> None:
        if hasattr(value, "resolve"):
            raise unresolved(name, value, where)
        check(value, name, where)

    return checked


def some_of(of_each: Check, *, jinja: bool = False) -> Check:
    """A list, each of whose values passes a check.

    Parameters:
        jinja: whether the whole list may be the outcome of a template.
    """

    def check(value: Any, name: str, where: str) -> None:
        if is_to_come(value) and (jinja or not isinstance(value, str)):
            return
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Collection):
            right = f"Give a list: {name}=[{value!r}]." if value else f"Give a list: {name}=['...']."
            raise SpecError(f"{name} is {value!r}", where=where, right=right)
        for each in value:
            of_each(each, f"a value in {name}", where)

    return check


def mapping(value: Any, name: str, where: str) -> None:
    """Names and values."""
    if not is_to_come(value) and not isinstance(value, Mapping):
        raise SpecError(f"{name} is {value!r}", where=where, right=f"Write {name}={{'name': 'value'}}.")


def environment(value: Any, name: str, where: str) -> None:
    """Names and texts, some of which may be outputs of other tasks; no value is told."""
    if not is_to_come(value) and not holds_xcoms(value):
        environment_pairs(value, where=where, name=name)


def container(value: Any, name: str, where: str) -> None:
    """The name of a container in storage."""
    word(value, name, where)
    check_work_container(value, where, name)


def pattern(value: Any, name: str, where: str) -> None:
    """A pattern that names are matched with."""
    word(value, name, where)
    if not is_to_come(value):
        check_pattern(value, what=name, where=where)


def exit_codes(value: Any, name: str, where: str) -> None:
    """Exit codes."""
    check_exit_codes(value, what=name, where=where)


def pool(value: Any, name: str, where: str) -> None:
    """The id of a pool that is there."""
    pool_text(value, where, name=name)


def job_pool(value: Any, name: str, where: str) -> None:
    """The pool of a job: its id, or an ``AutoPool``."""
    pool_of_job(value, where)


def target(value: Any, name: str, where: str) -> None:
    """The id of a job, a task or a schedule that is there."""
    check_target(value, name, where)
