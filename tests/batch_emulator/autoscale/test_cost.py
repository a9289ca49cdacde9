"""What reading and evaluating cost, counted instead of timed."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from batch_emulator.autoscale import SampleSeries, evaluate, format_formula, parse
from tests.batch_emulator.autoscale.builders import a_busy_account, a_context, detail_of, run, steady


def calls_made_by(action: Callable[[], object]) -> int:
    """How many functions an action calls, Python's and C's."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def of_statements(count: int) -> str:
    return "".join(f"x{i} = max({i}, $ActiveTasks.GetSample(1)) > 3 ? 1 : 2;" for i in range(count))


def of_terms(count: int) -> str:
    return "x = " + "+".join(["len(vec(1))"] * count)


@pytest.mark.parametrize(("shape", "size"), [(of_statements, 45), (of_terms, 300)])
def test_parsing_printing_and_evaluating_are_linear_in_the_formula(
    shape: Callable[[int], str], size: int
) -> None:
    context = a_context(a_busy_account())
    for step in (
        parse,
        lambda text: format_formula(parse(text)),
        lambda text: evaluate(parse(text), context),
    ):
        small = calls_made_by(lambda step=step: step(shape(size)))  # type: ignore[misc]
        large = calls_made_by(lambda step=step: step(shape(2 * size)))  # type: ignore[misc]
        assert large < 2.2 * small


class RecordingSeries(SampleSeries):
    """Remembers how many samples were read."""

    read = 0

    def slice(self, start: int, end: int) -> tuple[float, ...]:
        self.read += end - start
        return super().slice(start, end)


def test_a_span_is_read_without_walking_a_week_of_history() -> None:
    week = RecordingSeries()
    plain = steady(1, minutes=7 * 24 * 60)
    for index in range(len(plain)):
        week._ticks.append(plain.ticks_at(index))
        week._values.append(1.0)
    formula = parse("x = sum($ActiveTasks.GetSample(10 * TimeInterval_Minute, 70)); y = $ActiveTasks + 1;")
    context = a_context({"$ActiveTasks": week})
    calls = calls_made_by(lambda: evaluate(formula, context))
    assert week.read == 20
    assert calls < 1000
    assert len(week) > 20_000


def test_a_formula_cannot_fill_the_memory() -> None:
    formula = "v = vec(1, 2, 3, 4, 5, 6, 7, 8);" + "v = vec(v, v);" * 90
    assert "more than 2000000 vector elements" in detail_of(formula)


def test_what_formulas_really_do_is_far_from_the_limit() -> None:
    formula = "x = " + "+".join(["avg($ActiveTasks.GetSample(TimeInterval_Hour))"] * 150)
    assert run(formula, a_context(a_busy_account())).results.endswith("x=1050")
