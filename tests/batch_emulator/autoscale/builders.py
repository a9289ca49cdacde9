"""Pools and histories for formula tests, built in a line."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from random import Random

from batch_emulator.autoscale import (
    SAMPLE_VARIABLES,
    AutoScaleResult,
    EvaluationContext,
    EvaluationError,
    SampleSeries,
    evaluate,
    parse,
)

NOW = datetime(2026, 1, 7, 12, 0, tzinfo=timezone.utc)
"""A Wednesday noon."""

NO_DELAY = timedelta(0)


def series(*values: float, until: datetime = NOW) -> SampleSeries:
    """A history without gaps whose last sample is at `until`."""
    first = until - timedelta(seconds=30) * (len(values) - 1)
    return SampleSeries((first + timedelta(seconds=30) * i, value) for i, value in enumerate(values))


def steady(value: float, minutes: float = 120) -> SampleSeries:
    """A history of one value, up to now."""
    return series(*[value] * (int(minutes * 2) + 1))


def a_context(
    samples: Mapping[str, SampleSeries] | None = None,
    *,
    dedicated: int = 0,
    low_priority: int = 0,
    slots: int = 1,
    now: datetime = NOW,
    delay: timedelta = NO_DELAY,
    seed: int = 1,
) -> EvaluationContext:
    return EvaluationContext(now, samples or {}, dedicated, low_priority, Random(seed), slots, delay)


def run(text: str, context: EvaluationContext | None = None) -> AutoScaleResult:
    return evaluate(parse(text), context or a_context())


def value_of(expression: str, context: EvaluationContext | None = None) -> str:
    """How results show the value of an expression."""
    result = run(f"x = {expression};", context)
    assert result.error is None, result.error
    return result.results.split(";x=")[1]


def fault_of(text: str, context: EvaluationContext | None = None) -> EvaluationError:
    """The error that a formula ends in."""
    error = run(text, context).error
    assert error is not None, "the formula was evaluated"
    return error


def detail_of(text: str, context: EvaluationContext | None = None) -> str:
    """What the error says, with its place."""
    return fault_of(text, context).values[0].value


def a_busy_account() -> dict[str, SampleSeries]:
    """Every metric has stood at 7 for two hours."""
    return {name: steady(7) for name in SAMPLE_VARIABLES}
