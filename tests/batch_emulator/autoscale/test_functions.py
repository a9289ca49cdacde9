from random import Random

import pytest

from batch_emulator.autoscale.functions import FUNCTION_NAMES
from tests.batch_emulator.autoscale.builders import a_context, fault_of, value_of


def test_the_table_holds_every_documented_function() -> None:
    documented = (
        "abs avg ceil floor len lg ln log max min norm percentile rand range round std stop sum time val vec"
    )
    assert " ".join(FUNCTION_NAMES) == documented


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("avg(1, 2, 3)", "2"),
        ("avg(vec(1, 2, 3))", "2"),
        ("avg(vec(1, 2, 3), 6)", "3"),
        ("len(vec(1, 2), 3)", "3"),
        ("lg(8)", "3"),
        ("lg(vec(8))", "[3]"),
        ("lg(8, 4)", "[3,2]"),
        ("lg(0)", "-inf"),
        ("ln(-1)", "nan"),
        ("ln(1)", "0"),
        ("log(1000)", "3"),
        ("log(vec(10, 100))", "[1,2]"),
        ("max(3, vec(7, 5))", "7"),
        ("min(3, vec(7, 5))", "3"),
        ("norm(3, 4)", "5"),
        ("range(5, 1, 9)", "8"),
        ("std(2, 4, 4, 4, 5, 5, 7, 9)", "2.13809"),
        ("std(5)", "nan"),
        ("sum(1, vec(2, 3))", "6"),
        ("percentile(vec(15, 20, 35, 40, 50), 40)", "29"),
        ("percentile(vec(50, 15, 40, 35, 20), 100)", "50"),
        ("percentile(vec(7), 50)", "7"),
        ("val(vec(5, 6, 7), 0)", "5"),
        ("val(vec(5, 6, 7), 2)", "7"),
        ("vec(1, vec(2, 3))", "[1,2,3]"),
        ("ceil(1.2)", "2"),
        ("ceil(-1.2)", "-1"),
        ("floor(1.8)", "1"),
        ("floor(-1.2)", "-2"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(vec(1.4, 1.6))", "[1,2]"),
        ("ceil(1 / 0)", "inf"),
        ("abs(-3)", "3"),
    ],
)
def test_functions(expression: str, value: str) -> None:
    assert value_of(expression) == value


EMPTY = "$ActiveTasks.GetSample(TimeInterval_Hour)"


@pytest.mark.parametrize(
    ("expression", "value"),
    [("len", "0"), ("sum", "0"), ("norm", "0"), ("vec", "[]"), ("lg", "[]")],
)
def test_an_empty_vector_has_a_length_and_a_sum(expression: str, value: str) -> None:
    assert value_of(f"{expression}({EMPTY})") == value


@pytest.mark.parametrize(
    "expression",
    [
        *(f"{name}({EMPTY})" for name in ("avg", "max", "min", "range", "std")),
        f"val({EMPTY}, 0)",
        f"percentile({EMPTY}, 5)",
    ],
)
def test_an_empty_vector_has_no_mean_and_no_extremes(expression: str) -> None:
    error = fault_of(f"x = {expression}")
    assert error.code == "InsufficientSampleData"
    assert error.values[0].value.startswith("Line 1, Col 5: Insufficient data")


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("val(vec(1, 2), 2)", "val(2) is outside a doubleVec of 2 elements"),
        ("val(vec(1, 2), -1)", "outside"),
        ("val(vec(1, 2), 0/0)", "outside"),
        ("percentile(vec(1), 101)", "takes 0 to 100"),
        ("percentile(vec(1), 0/0)", "takes 0 to 100"),
    ],
)
def test_arguments_out_of_range_end_the_evaluation(expression: str, says: str) -> None:
    error = fault_of(f"x = {expression}")
    assert error.code == "AutoScalingFormulaEvaluationError"
    assert says in error.values[0].value


def test_rand_draws_from_the_context() -> None:
    assert value_of("rand()", a_context(seed=3)) == f"{Random(3).random():g}"


def test_a_time_put_together_from_a_variable_is_read_when_evaluated() -> None:
    assert value_of('1 ? "2026-02-03" : ""') == "2026-02-03"
    assert "cannot read `x`" in fault_of('s = "x"; t = time(s)').values[0].value
