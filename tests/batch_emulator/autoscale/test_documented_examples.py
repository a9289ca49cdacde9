"""The example formulas of *Automatically scale compute nodes in a Batch pool*, by what they do."""

from datetime import datetime, timedelta, timezone

import pytest

from batch_emulator.autoscale import AutoScaleResult, SampleSeries
from tests.batch_emulator.autoscale.builders import NOW, a_context, run, series, steady

SPAN_SAMPLES = 6  # of 180 seconds
NONE = SampleSeries()

# --- pending tasks

PENDING = """
first = 1;
limit = 25;
seen = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
pending = seen < 70 ? first : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
$TargetDedicatedNodes = min(limit, pending);
$NodeDeallocationOption = taskcompletion;
"""


@pytest.mark.parametrize(
    ("history", "nodes"),
    [
        (NONE, 1),
        (series(*[9] * 4), 1),  # 67 % of the samples
        (series(*[9] * 5), 9),  # 83 %
        (series(2, 4, 6, 8, 10, 12), 7),
        (series(0, 0, 0, 0, 0, 0), 0),
        (steady(1000), 25),
    ],
)
def test_pending_tasks(history: SampleSeries, nodes: int) -> None:
    result = run(PENDING, a_context({"$PendingTasks": history}))
    assert result.target_dedicated == nodes
    assert result.node_deallocation_option == "taskcompletion"


def test_pending_tasks_as_data_factory_writes_it() -> None:
    formula = PENDING.replace("$TargetDedicatedNodes", "$TargetDedicated")
    assert run(formula, a_context({"$PendingTasks": steady(4)})).target_dedicated == 4


@pytest.mark.parametrize("phase", range(0, 30, 5))
def test_pending_tasks_sees_enough_samples_at_any_moment_with_the_usual_delay(phase: int) -> None:
    context = a_context(
        {"$PendingTasks": steady(9)}, now=NOW + timedelta(seconds=phase), delay=timedelta(seconds=30)
    )
    assert run(PENDING, context).target_dedicated == 9


# --- preempted nodes

PREEMPTED = """
limit = 25;
$TargetDedicatedNodes = min(limit, $PreemptedNodeCount.GetSample(180 * TimeInterval_Second));
$TargetLowPriorityNodes = min(limit, limit - $TargetDedicatedNodes);
"""


@pytest.mark.parametrize(("preempted", "dedicated", "spot"), [(0, 0, 25), (7, 7, 18), (40, 25, 0)])
def test_preempted_spot_nodes_are_replaced_by_dedicated_ones(
    preempted: int, dedicated: int, spot: int
) -> None:
    result = run(PREEMPTED, a_context({"$PreemptedNodeCount": steady(preempted)}))
    assert (result.target_dedicated, result.target_low_priority) == (dedicated, spot)


# --- CPU

CPU = """
total = (min($CPUPercent.GetSample(TimeInterval_Minute * 10)) > 70) ?
    ($CurrentDedicatedNodes * 1.1) : $CurrentDedicatedNodes;
total = (avg($CPUPercent.GetSample(TimeInterval_Minute * 60)) < 20) ?
    ($CurrentDedicatedNodes * 0.9) : total;
$TargetDedicatedNodes = min(400, total);
"""


@pytest.mark.parametrize(
    ("cpu", "current", "nodes"), [(90, 100, 110), (50, 100, 100), (10, 100, 90), (90, 390, 400)]
)
def test_cpu(cpu: float, current: int, nodes: int) -> None:
    context = a_context({"$CPUPercent": steady(cpu), "$CurrentDedicatedNodes": steady(current)})
    assert run(CPU, context).target_dedicated == nodes


def test_one_calm_sample_keeps_a_busy_pool_from_growing() -> None:
    cpu = series(*[90] * 130, 60, *[90] * 5)
    context = a_context({"$CPUPercent": cpu, "$CurrentDedicatedNodes": steady(100)})
    assert run(CPU, context).target_dedicated == 100


def test_cpu_without_samples_leaves_the_pool_alone() -> None:
    result = run(CPU, a_context({"$CurrentDedicatedNodes": steady(100)}, dedicated=100))
    assert result.error is not None
    assert result.error.code == "InsufficientSampleData"
    assert result.target_dedicated is None


# --- time

WEEKDAYS = """
now = time();
open = now.hour >= 8 && now.hour < 18;
weekday = now.weekday >= 1 && now.weekday <= 5;
working = open && weekday;
$TargetDedicatedNodes = working ? 20 : 10;
"""


def at(day: int, hour: int, formula: str) -> AutoScaleResult:
    """January 2026 begins on a Thursday."""
    return run(formula, a_context(now=datetime(2026, 1, day, hour, 59, tzinfo=timezone.utc)))


@pytest.mark.parametrize(
    ("day", "hour", "nodes"),
    [(5, 7, 10), (5, 8, 20), (9, 17, 20), (9, 18, 10), (10, 12, 10), (11, 12, 10)],
)
def test_working_hours(day: int, hour: int, nodes: int) -> None:
    assert at(day, hour, WEEKDAYS).target_dedicated == nodes


@pytest.mark.parametrize(("day", "nodes"), [(5, 5), (6, 1), (11, 1)])
def test_monday_in_one_line(day: int, nodes: int) -> None:
    assert at(day, 12, "$TargetDedicatedNodes = (time().weekday == 1 ? 5:1);").target_dedicated == nodes


def test_a_result_in_words() -> None:
    result = at(9, 18, WEEKDAYS)
    assert result.results.endswith(";now=2026-01-09T18:59:00.000Z;open=0;weekday=1;working=0")


# --- tasks

TASKS = """
span = TimeInterval_Minute * 15;
seen = $ActiveTasks.GetSamplePercent(span);
tasks = seen < 70 ? max(0, $ActiveTasks.GetSample(1))
                  : max($ActiveTasks.GetSample(1), avg($ActiveTasks.GetSample(span)));
nodes = tasks > 0 ? tasks : max(0, $TargetDedicatedNodes / 2);
$TargetDedicatedNodes = max(0, min(nodes, 20));
$NodeDeallocationOption = taskcompletion;
"""


@pytest.mark.parametrize(
    ("history", "before", "nodes"),
    [
        (NONE, 0, 0),
        (NONE, 8, 4),  # nothing known: half
        (series(6), 0, 6),  # too few samples: the last
        (steady(5), 0, 5),
        (series(*[10] * 60, 2), 0, 9),  # falling: the average
        (series(*[0] * 60, 12), 0, 12),  # rising: the last
        (steady(0), 9, 4),  # idle: half
        (steady(500), 0, 20),
    ],
)
def test_tasks(history: SampleSeries, before: int, nodes: int) -> None:
    result = run(TASKS, a_context({"$ActiveTasks": history}, dedicated=before))
    assert result.target_dedicated == nodes
    assert result.node_deallocation_option == "taskcompletion"


PARALLEL = """
span = TimeInterval_Minute * 15;
tasks = $ActiveTasks.GetSamplePercent(span) < 70 ? max(0, $ActiveTasks.GetSample(1))
    : max($ActiveTasks.GetSample(1), avg($ActiveTasks.GetSample(span)));
slots = $TargetDedicatedNodes * $TaskSlotsPerNode;
extra = (tasks - slots + $TaskSlotsPerNode - 1) / $TaskSlotsPerNode;
$TargetDedicatedNodes = max(0, min($TargetDedicatedNodes + extra, 3));
"""


@pytest.mark.parametrize(
    ("tasks", "before", "nodes"),
    [(0, 0, 0), (1, 0, 1), (4, 0, 1), (5, 0, 2), (5, 2, 2), (0, 2, 0), (90, 1, 3)],
)
def test_nodes_with_four_tasks_each(tasks: int, before: int, nodes: int) -> None:
    context = a_context({"$ActiveTasks": steady(tasks)}, dedicated=before, slots=4)
    assert run(PARALLEL, context).target_dedicated == nodes


# --- initial size

INITIAL = """
age = time() - time("Wed, 07 Jan 2026 11:55:00 GMT");
span = TimeInterval_Minute * 60;
startup = TimeInterval_Minute * 10;
ratio = 50;
$TargetDedicatedNodes = (age > startup ?
    (max($RunningTasks.GetSample(span, ratio), $ActiveTasks.GetSample(span, ratio)) == 0 ?
        0 : $TargetDedicatedNodes)
    : 4);
"""


def an_hour_with(running: float, active: float, until: datetime) -> dict[str, SampleSeries]:
    return {
        "$RunningTasks": series(*[0] * 119, running, until=until),
        "$ActiveTasks": series(*[0] * 119, active, until=until),
    }


def test_the_first_ten_minutes_have_the_initial_size_whatever_the_samples() -> None:
    assert run(INITIAL, a_context(dedicated=9)).target_dedicated == 4


@pytest.mark.parametrize(("running", "active", "nodes"), [(0, 0, 0), (1, 0, 9), (0, 1, 9)])
def test_then_a_pool_without_work_for_an_hour_is_emptied(running: float, active: float, nodes: int) -> None:
    later = NOW + timedelta(minutes=30)
    context = a_context(an_hour_with(running, active, later), dedicated=9, now=later)
    assert run(INITIAL, context).target_dedicated == nodes


def test_then_half_of_the_samples_must_exist() -> None:
    later = NOW + timedelta(minutes=30)
    samples = {
        "$RunningTasks": series(*[0] * 59, until=later),
        "$ActiveTasks": series(*[0] * 120, until=later),
    }
    error = run(INITIAL, a_context(samples, dedicated=9, now=later)).error
    assert error is not None
    detail = "Line 7, Col 10: Insufficient data from data set: $RunningTasks wanted 50%, received 49.1667%"
    assert error.values[0].value == detail
