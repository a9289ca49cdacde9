import pytest

from tests.batch_emulator.autoscale.builders import a_context, detail_of, steady, value_of


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # double
        ("7 / 2", "3.5"),
        ("-7 / 2", "-3.5"),
        ("1 / 0", "inf"),
        ("-1 / 0", "-inf"),
        ("1 / -0", "-inf"),
        ("0 / 0", "nan"),
        ("!3", "0"),
        ("!0", "1"),
        # doubleVec
        ("vec(1, 2, 3) + 1", "[2,3,4]"),
        ("vec(2, 4) / 2", "[1,2]"),
        ("vec(1, 2) * vec(3, 4)", "[3,8]"),
        ("vec(1, 2) - vec(3, 5)", "[-2,-3]"),
        ("vec(1, 0) / 0", "[inf,nan]"),
        # timeinterval
        ("2 * TimeInterval_Minute", "PT2M"),
        ("TimeInterval_Minute * 1.5", "PT1M30S"),
        ("TimeInterval_Hour / 4", "PT15M"),
        ("TimeInterval_Day + TimeInterval_Hour", "P1DT1H"),
        ("TimeInterval_Hour - TimeInterval_Day", "-PT23H"),
        ("-TimeInterval_Second", "-PT1S"),
        # timestamp
        ("time() + TimeInterval_Hour", "2026-01-07T13:00:00.000Z"),
        ("TimeInterval_Hour + time()", "2026-01-07T13:00:00.000Z"),
        ("time() + -TimeInterval_Hour", "2026-01-07T11:00:00.000Z"),
        ('time() - time("2026-01-07")', "PT12H"),
        # comparison
        ("1 < 2", "1"),
        ("2 <= 2", "1"),
        ("2 == 3", "0"),
        ("2 >= 3", "0"),
        ("3 > 2", "1"),
        ("2 != 2", "0"),
        ('time() > time("2026-01-07")', "1"),
        ("time() == time()", "1"),
        ("TimeInterval_Minute * 60 == TimeInterval_Hour", "1"),
        ("TimeInterval_Week < TimeInterval_Year", "1"),
        ('"a" == "a"', "1"),
        ('"a" < "b"', "1"),
        ("0 / 0 == 0 / 0", "0"),
        # logic
        ("2 && 3", "1"),
        ("2 && 0", "0"),
        ("0 || 5", "1"),
        ("0 || 0", "0"),
    ],
)
def test_documented_operations(expression: str, value: str) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("constant", "factor"),
    [
        ("TimeInterval_100ns", 10_000_000),
        ("TimeInterval_Microsecond", 1_000_000),
        ("TimeInterval_Millisecond", 1_000),
    ],
)
def test_small_units_lose_nothing(constant: str, factor: int) -> None:
    assert value_of(f"{constant} * {factor} == TimeInterval_Second") == "1"


@pytest.mark.parametrize(
    ("constant", "text"),
    [
        ("TimeInterval_Zero", "PT0S"),
        ("TimeInterval_100ns", "PT0.0000001S"),
        ("TimeInterval_Millisecond", "PT0.001S"),
        ("TimeInterval_Week", "P7D"),
        ("TimeInterval_Year", "P365D"),
    ],
)
def test_units(constant: str, text: str) -> None:
    assert value_of(constant) == text


def test_logic_does_not_look_right_when_left_decides() -> None:
    assert value_of("0 && val(vec(1), 5)") == "0"
    assert value_of("1 || val(vec(1), 5)") == "1"


def test_a_choice_evaluates_one_side_only() -> None:
    assert value_of("1 ? 2 : val(vec(1), 5)") == "2"
    assert value_of("0 ? val(vec(1), 5) : 3") == "3"


def test_a_sample_variable_stands_for_its_newest_value() -> None:
    context = a_context({"$CurrentDedicatedNodes": steady(10)})
    assert value_of("$CurrentDedicatedNodes * 1.1", context) == "11"
    assert value_of("!$CurrentDedicatedNodes", context) == "0"


@pytest.mark.parametrize(
    ("expression", "column", "says"),
    [
        ("vec(1, 2) + vec(1)", 15, "vectors of 2 and 1 elements"),
        ("TimeInterval_Hour / 0", 23, "out of its range"),
        ("TimeInterval_Hour * (0 / 0)", 23, "out of its range"),
        ("TimeInterval_Year * 30000", 23, "out of its range"),
        ("TimeInterval_Year * 20000 + TimeInterval_Year * 20000", 31, "longer than the service"),
        ("time() + TimeInterval_Year * 9000", 12, "outside the years"),
        ("time() + TimeInterval_Year * -9000", 12, "outside the years"),
    ],
)
def test_values_without_a_result_end_the_evaluation(expression: str, column: int, says: str) -> None:
    detail = detail_of(f"x = {expression}")
    assert detail.startswith(f"Line 1, Col {column}: ")
    assert says in detail
