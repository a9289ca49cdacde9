"""What holds for every formula."""

import math
import operator
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_emulator.autoscale import FormulaError, evaluate, format_formula, parse
from batch_emulator.autoscale.nodes import Formula, Node
from tests.batch_emulator.autoscale.builders import a_busy_account, a_context, series, value_of

WORDS = [
    *"+-*/<>!?:=;,.()",
    *("&&", "||", "==", "!=", "<=", ">=", "//", "/*", "*/", '"', "\n", "\\", "$", "é", "\x00"),
    *("1", "0", "2.5", "x", "$x", "time", "stop", "max", "vec", "val", "requeue", '"2026"', "hour"),
    *("$ActiveTasks", "GetSample", "GetSamplePercent", "Count", "TimeInterval_Minute"),
    *("$TargetDedicatedNodes", "$NodeDeallocationOption", "$TaskSlotsPerNode"),
    *("x = 1;", "v = $ActiveTasks.GetSample(5);", "t = time();", "$TargetDedicatedNodes = "),
]


def parse_or_refuse(text: str) -> Formula | None:
    """Nothing but a FormulaError may come of a text; a fault must be explainable at its place."""
    try:
        return parse(text)
    except FormulaError as error:
        refused = error
    assert refused.line >= 1
    assert refused.column >= 1
    assert refused.explain(text).count("\n") == 3
    return None


@given(st.text())
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    parse_or_refuse(text)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=25), st.sampled_from(["", " "]))
def test_any_words_are_a_formula_or_refused_and_a_formula_can_be_evaluated(
    words: list[str], glue: str
) -> None:
    formula = parse_or_refuse(glue.join(words))
    if formula is not None:
        result = evaluate(formula, a_context(a_busy_account()))
        assert (result.error is None) is (result.target_dedicated is not None)


# --- arithmetic against Python


class Sum(NamedTuple):
    """An expression, and what Python says it is."""

    text: str
    value: float


def divided(left: float, right: float) -> float:
    if right == 0:
        return (
            math.nan
            if left == 0 or math.isnan(left)
            else math.copysign(math.inf, left) * math.copysign(1, right)
        )
    return left / right


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "<": lambda a, b: float(a < b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}
FUNCTIONS: dict[str, Callable[[float, float], float]] = {
    "max": max,
    "min": min,
    "sum": lambda a, b: 0.0 + a + b,
}

numbers = st.integers(0, 9999).map(lambda n: Sum(f"{n / 16}", n / 16))


def combined(parts: st.SearchStrategy[Sum]) -> st.SearchStrategy[Sum]:
    return st.one_of(
        st.builds(
            lambda a, name, b: Sum(f"({a.text}){name}({b.text})", OPERATORS[name](a.value, b.value)),
            parts,
            st.sampled_from(sorted(OPERATORS)),
            parts,
        ),
        st.builds(
            lambda name, a, b: Sum(f"{name}({a.text}, {b.text})", FUNCTIONS[name](a.value, b.value)),
            st.sampled_from(sorted(FUNCTIONS)),
            parts,
            parts,
        ),
        parts.map(lambda a: Sum(f"-({a.text})", -a.value)),
        parts.map(lambda a: Sum(f"!({a.text})", float(a.value == 0))),
        st.builds(
            lambda c, a, b: Sum(f"({c.text}) ? ({a.text}) : ({b.text})", a.value if c.value else b.value),
            parts,
            parts,
            parts,
        ),
    )


expressions = st.recursive(numbers, combined, max_leaves=12)


@given(expressions)
def test_arithmetic_is_that_of_python(expression: Sum) -> None:
    assert value_of(expression.text) == f"{expression.value:g}"


@given(st.lists(st.tuples(st.sampled_from(["+", "-", "*"]), st.integers(0, 99)), min_size=1, max_size=30))
def test_precedence_without_brackets_is_that_of_python(tail: list[tuple[str, int]]) -> None:
    text = "7" + "".join(f" {symbol} {number}" for symbol, number in tail)
    assert value_of(text) == f"{float(eval(text)):g}"


# --- printing


def shape(node: object) -> object:
    """A tree without places and layout."""
    if isinstance(node, Node):
        names = [name for name in type(node).__slots__ if name != "position"]
        return (type(node).__name__, *(shape(getattr(node, name)) for name in names))
    return [shape(each) for each in node] if isinstance(node, list | tuple) else node


def assert_printed_alike(formula: Formula) -> None:
    printed = format_formula(formula)
    again = parse(printed)
    assert shape(again.statements) == shape(formula.statements)
    assert format_formula(again) == printed


@given(expressions)
def test_a_printed_formula_is_the_same_formula(expression: Sum) -> None:
    assert_printed_alike(parse(f"x = {expression.text}"))


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("a=((1+2)) //c", "a = 1 + 2;"),
        ("a=(1+2)*3;b=1+(2*3)", "a = (1 + 2) * 3;\nb = 1 + 2 * 3;"),
        ("a=1-(2-3)", "a = 1 - (2 - 3);"),
        ("a=(1-2)-3", "a = 1 - 2 - 3;"),
        ("a=-(1+2);b=-(-1)", "a = -(1 + 2);\nb = --1;"),
        ("a=1?2:(3?4:5)", "a = 1 ? 2 : 3 ? 4 : 5;"),
        ("a=(1?2:3)?4:5", "a = (1 ? 2 : 3) ? 4 : 5;"),
        ("a=(1?2:3)+4", "a = (1 ? 2 : 3) + 4;"),
        ("a=1?2?3:4:5", "a = 1 ? 2 ? 3 : 4 : 5;"),
        ('a=(time()).hour+time( "2026" ).day', 'a = time().hour + time("2026").day;'),
        ("a=(time()+TimeInterval_Day).hour", "a = (time() + TimeInterval_Day).hour;"),
        ("a=($ActiveTasks).GetSample( 1 )", "a = $ActiveTasks.GetSample(1);"),
        ("stop ( )", "stop();"),
        ("a=0.70", "a = 0.70;"),
    ],
)
def test_brackets_are_printed_where_they_matter(written: str, printed: str) -> None:
    formula = parse(written)
    assert format_formula(formula) == printed
    assert_printed_alike(formula)


# --- histories


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
    st.integers(1, 250),
)
def test_the_latest_samples_are_the_tail_of_the_history(values: list[float], count: int) -> None:
    context = a_context({"$ActiveTasks": series(*values)})
    tail = values[-count:]
    assert value_of(f"len($ActiveTasks.GetSample({count}))", context) == f"{len(tail)}"
    assert value_of(f"sum($ActiveTasks.GetSample({count}))", context) == f"{sum(tail):g}"
    assert value_of(f"max($ActiveTasks.GetSample({count}))", context) == f"{max(tail):g}"
