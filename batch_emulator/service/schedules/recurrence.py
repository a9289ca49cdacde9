"""When a job schedule is to make jobs. Pure arithmetic on times; all UTC.

Source: *BatchJobScheduleConfiguration*.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid
from batch_emulator.service.limits import MIN_RECURRENCE, MIN_START_WINDOW
from batch_emulator.service.spec_checks import duration_of
from batch_emulator.service.times import later, parse_time


class Plan(NamedTuple):
    """A schedule's configuration.

    :param until: no job before this time.
    :param after: no job from this time on.
    :param window: how long after an occurrence its job may still be made; ``None``: until the next one.
    :param interval: between occurrences; ``None``: there is one only.
    """

    until: datetime | None
    after: datetime | None
    window: timedelta | None
    interval: timedelta | None


def make_configuration(body: Json, where: str = "schedule") -> Json:
    """Check a schedule's configuration.

    :returns: what was given, in canonical form; there are no defaults to be filled in.
    """
    least = {"startWindow": MIN_START_WINDOW, "recurrenceInterval": MIN_RECURRENCE}
    checked: Json = {name: body[name] for name in ("doNotRunUntil", "doNotRunAfter") if name in body}
    checked |= {
        name: duration_of(body, name, least=span, path=f"{where}.{name}")
        for name, span in least.items()
        if name in body
    }
    plan = read(checked)
    if plan.until is not None and plan.after is not None and plan.after <= plan.until:
        raise invalid(
            f"{where}.doNotRunAfter", checked["doNotRunAfter"], "It must be later than doNotRunUntil"
        )
    return checked


def read(configuration: Json) -> Plan:
    """The plan that a checked configuration describes."""
    return Plan(
        _time(configuration, "doNotRunUntil"),
        _time(configuration, "doNotRunAfter"),
        _span(configuration, "startWindow"),
        _span(configuration, "recurrenceInterval"),
    )


def _time(configuration: Json, name: str) -> datetime | None:
    return parse_time(configuration[name]) if name in configuration else None


def _span(configuration: Json, name: str) -> timedelta | None:
    span = parse_duration(configuration[name]) if name in configuration else None
    return None if span is None or is_unlimited(span) else span


def first(plan: Plan, created: datetime) -> datetime | None:
    """The first occurrence of a schedule made at ``created``."""
    return _allowed(plan, max(created, plan.until) if plan.until else created)


def following(plan: Plan, occurrence: datetime) -> datetime | None:
    """The occurrence after another one; not before ``until``, from which the interval counts anew then."""
    at = later(occurrence, plan.interval) if plan.interval else None
    if at is not None and plan.until is not None:
        at = max(at, plan.until)
    return _allowed(plan, at)


def _allowed(plan: Plan, at: datetime | None) -> datetime | None:
    return None if at is None or (plan.after is not None and at >= plan.after) else at


def latest(plan: Plan, occurrence: datetime, now: datetime) -> datetime:
    """The latest of an occurrence and those after it that are not in the future: none is made up for."""
    if plan.interval is None or occurrence > now:
        return occurrence
    return occurrence + (now - occurrence) // plan.interval * plan.interval


def window_end(plan: Plan, occurrence: datetime) -> datetime | None:
    """Until when the job of an occurrence may be made; ``None``: until the next occurrence takes its place.

    A window longer than the interval is one without end, since nothing is carried over.
    """
    if plan.window is None or (plan.interval is not None and plan.window > plan.interval):
        return None
    return later(occurrence, plan.window)
