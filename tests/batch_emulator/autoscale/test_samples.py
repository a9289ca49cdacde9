from datetime import datetime, timedelta

import pytest

from batch_emulator.autoscale import EvaluationContext, SampleSeries
from tests.batch_emulator.autoscale.builders import (
    NOW,
    a_context,
    detail_of,
    fault_of,
    series,
    steady,
    value_of,
)

PERIOD = timedelta(seconds=30)


def active(history: SampleSeries, delay: timedelta = timedelta(0)) -> EvaluationContext:
    return a_context({"$ActiveTasks": history}, delay=delay)


def with_gaps(present: int, possible: int) -> SampleSeries:
    """The last `possible` periods, of which the oldest are missing."""
    assert present <= possible
    return series(*[1.0] * present)


# --- GetSample(count)


def test_the_latest_samples_come_oldest_first() -> None:
    assert value_of("$ActiveTasks.GetSample(2)", active(series(1, 2, 3))) == "[2,3]"


@pytest.mark.parametrize("count", ["3", "99", "(1/0)"])
def test_no_more_than_there_are(count: str) -> None:
    assert value_of(f"$ActiveTasks.GetSample({count})", active(series(1, 2, 3))) == "[1,2,3]"


def test_a_fraction_of_a_sample_is_none() -> None:
    assert value_of("$ActiveTasks.GetSample(2.9)", active(series(1, 2, 3))) == "[2,3]"


@pytest.mark.parametrize("count", ["0", "0.5", "-1", "(0/0)"])
def test_less_than_one_sample_is_an_error(count: str) -> None:
    assert "the least is 1" in detail_of(f"x = $ActiveTasks.GetSample({count})", active(series(1)))


def test_the_last_sample_may_be_as_old_as_it_likes() -> None:
    old = series(4, until=NOW - timedelta(days=3))
    assert value_of("$ActiveTasks.GetSample(1)", active(old)) == "[4]"


def test_no_history_gives_an_empty_vector() -> None:
    assert value_of("$ActiveTasks.GetSample(1)") == "[]"


# --- GetSample(start ...)


def test_a_span_counts_back_from_now_without_its_first_instant() -> None:
    assert value_of("$ActiveTasks.GetSample(TimeInterval_Minute)", active(series(1, 2, 3, 4))) == "[3,4]"


def test_a_span_can_begin_at_a_timestamp() -> None:
    expression = '$ActiveTasks.GetSample(time("2026-01-07T11:59:00Z"))'
    assert value_of(expression, active(series(1, 2, 3, 4))) == "[3,4]"


@pytest.mark.parametrize(
    "points",
    [
        "TimeInterval_Minute, 6 * TimeInterval_Minute",
        "6 * TimeInterval_Minute, TimeInterval_Minute",
        'time("2026-01-07T11:54:00Z"), time("2026-01-07T11:59:00Z")',
        'TimeInterval_Minute, time("2026-01-07T11:54:00Z")',
    ],
)
def test_between_two_points_in_either_order_lie_ten_samples_of_five_minutes(points: str) -> None:
    assert value_of(f"len($ActiveTasks.GetSample({points}))", active(steady(1))) == "10"


def test_18_of_20_samples_are_90_percent() -> None:
    context = active(with_gaps(18, 20))
    span = "TimeInterval_Minute * 10"
    assert value_of(f"$ActiveTasks.GetSamplePercent({span})", context) == "90"
    assert value_of(f"len($ActiveTasks.GetSample({span}, 80))", context) == "18"
    assert value_of(f"len($ActiveTasks.GetSample({span}, 90))", context) == "18"
    assert fault_of(f"x = $ActiveTasks.GetSample({span}, 95)", context).code == "InsufficientSampleData"


def test_too_few_samples_are_told_as_the_service_tells_them() -> None:
    context = a_context({"$RunningTasks": with_gaps(10, 20)})
    formula = "span = TimeInterval_Minute * 10;\n\n  x = avg($RunningTasks.GetSample(span, 70));"
    error = fault_of(formula, context)
    assert error.code == "InsufficientSampleData"
    assert error.message == "Autoscale evaluation failed due to insufficient sample data"
    assert error.values == (
        (
            "Message",
            "Line 3, Col 11: Insufficient data from data set: $RunningTasks wanted 70%, received 50%",
        ),
    )


def test_the_percentage_also_guards_a_span_between_two_points() -> None:
    formula = "x = $ActiveTasks.GetSample(2*TimeInterval_Minute, 4*TimeInterval_Minute, 50)"
    assert "wanted 50%, received 25%" in detail_of(formula, active(series(*[1.0] * 5)))


def test_a_percentage_that_is_not_a_number_is_never_reached() -> None:
    assert "wanted nan%" in detail_of("x = $ActiveTasks.GetSample(TimeInterval_Hour, 0/0)", active(steady(1)))


def test_without_a_percentage_a_gap_is_no_error() -> None:
    assert value_of("len($ActiveTasks.GetSample(TimeInterval_Hour))", active(with_gaps(3, 120))) == "3"


# --- the other methods


@pytest.mark.parametrize(
    ("arguments", "percent"),
    [
        ("TimeInterval_Minute * 5", "100"),
        ("TimeInterval_Minute * 20", "50"),
        ("TimeInterval_Minute * 5, TimeInterval_Minute * 15", "50"),
        ("TimeInterval_Hour, 2 * TimeInterval_Hour", "0"),
        ("TimeInterval_Second", "100"),
        ("TimeInterval_Zero", "0"),
        ("-TimeInterval_Hour", "0"),
    ],
)
def test_sample_percent(arguments: str, percent: str) -> None:
    context = active(with_gaps(20, 40))
    assert value_of(f"$ActiveTasks.GetSamplePercent({arguments})", context) == percent


def test_more_samples_than_expected_are_100_percent() -> None:
    dense = SampleSeries((NOW - timedelta(seconds=i), 1.0) for i in range(600, -1, -1))
    assert value_of("$ActiveTasks.GetSamplePercent(TimeInterval_Minute)", active(dense)) == "100"


def test_period_count_and_begin() -> None:
    context = active(series(1, 2, 3))
    assert value_of("$ActiveTasks.GetSamplePeriod()", context) == "PT30S"
    assert value_of("$ActiveTasks.Count()", context) == "3"
    assert value_of("$ActiveTasks.HistoryBeginTime()", context) == "2026-01-07T11:59:00.000Z"


def test_a_series_may_have_another_period() -> None:
    history = SampleSeries([(NOW, 1.0)], timedelta(seconds=60))
    assert value_of("$ActiveTasks.GetSamplePeriod()", active(history)) == "PT1M"
    assert value_of("$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 4)", active(history)) == "25"


def test_a_history_that_has_not_begun_has_no_begin() -> None:
    assert "$ActiveTasks has no sample yet" in detail_of("x = $ActiveTasks.HistoryBeginTime()")


# --- the delay


def test_samples_younger_than_the_delay_are_not_readable() -> None:
    context = active(series(1, 2, 3, 4), delay=timedelta(seconds=60))
    assert value_of("$ActiveTasks.GetSample(1)", context) == "[2]"
    assert value_of("$ActiveTasks.GetSample(TimeInterval_Minute * 2)", context) == "[1,2]"
    assert value_of("$ActiveTasks.Count()", context) == "2"
    assert value_of("$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 2)", context) == "50"


def test_by_default_one_sample_of_thirty_is_not_readable_yet() -> None:
    context = EvaluationContext(NOW, {"$ActiveTasks": steady(1)}, 0, 0, a_context().random)
    moved = context._replace(now=NOW + timedelta(seconds=10))
    assert value_of("$ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15)", moved) == "96.6667"


def test_as_a_number_a_variable_is_its_newest_sample_even_so() -> None:
    assert value_of("$ActiveTasks + 0", active(series(1, 2, 3, 4), delay=timedelta(seconds=60))) == "4"


def test_as_a_number_a_variable_without_samples_is_zero() -> None:
    assert value_of("$CurrentDedicatedNodes + 0") == "0"


def test_a_sample_from_after_the_evaluation_does_not_count() -> None:
    later = series(1, 2, until=NOW + PERIOD)
    assert value_of("$ActiveTasks + 0", active(later)) == "1"
    assert value_of("$ActiveTasks.GetSample(5)", active(later)) == "[1]"


# --- the series


def test_samples_are_added_in_order() -> None:
    history = series(1)
    with pytest.raises(ValueError, match="in order"):
        history.append(NOW, 2)
    history.append(NOW + PERIOD, 2)
    assert len(history) == 2


def test_a_time_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        SampleSeries([(datetime(2026, 1, 1), 1.0)])  # noqa: DTZ001


def test_a_period_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        SampleSeries(period=timedelta(0))


def test_old_samples_can_be_forgotten() -> None:
    history = series(1, 2, 3, 4)
    history.discard_before(NOW - PERIOD)
    assert value_of("$ActiveTasks.GetSample(9)", active(history)) == "[3,4]"
    history.append(NOW + PERIOD, 5)
    assert len(history) == 3
