"""Scales, and the named formulas evaluated by the real formula language."""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest

from airflow_batch_provider.spec import (
    AutoScale,
    FixedScale,
    SpecError,
    pending_tasks,
    spot_with_dedicated_fallback,
    working_hours,
)
from batch_emulator.autoscale import AutoScaleResult, EvaluationContext, SampleSeries, evaluate, parse

NOW = dt.datetime(2026, 1, 7, 12, tzinfo=dt.timezone.utc)  # a Wednesday


def history(value: float) -> SampleSeries:
    """Ten minutes of samples with one value."""
    period = dt.timedelta(seconds=30)
    return SampleSeries(tuple((NOW - period * back, value) for back in range(20, 0, -1)))


def run(scale: AutoScale, now: dt.datetime = NOW, slots: int = 1, **samples: float) -> AutoScaleResult:
    named = {f"${name}": history(value) for name, value in samples.items()}
    result = evaluate(parse(scale.formula), EvaluationContext(now, named, 0, 0, Random(1), slots))
    assert result.error is None, result.error
    return result


@pytest.mark.parametrize(
    ("tasks", "slots", "nodes"),
    [(0, 1, 0), (1, 1, 1), (7, 1, 7), (50, 1, 10), (7, 4, 2), (8, 4, 2), (9, 4, 3)],
)
def test_pending_tasks_gives_a_node_per_slots_within_limits(tasks: int, slots: int, nodes: int) -> None:
    result = run(pending_tasks(10), slots=slots, PendingTasks=tasks)
    assert (result.target_low_priority, result.target_dedicated) == (nodes, 0)
    assert str(
        getattr(result.node_deallocation_option, "value", result.node_deallocation_option)
    ).lower() == ("taskcompletion")


def test_pending_tasks_starts_with_nodes_before_there_are_samples() -> None:
    assert run(pending_tasks(10, start_nodes=3)).target_low_priority == 3
    assert run(pending_tasks(10, start_nodes=3), slots=4).target_low_priority == 3
    assert run(pending_tasks(10, start_nodes=0)).target_low_priority == 0


def test_pending_tasks_on_dedicated_nodes_with_a_floor() -> None:
    result = run(pending_tasks(10, min_nodes=2, spot=False), PendingTasks=0)
    assert (result.target_dedicated, result.target_low_priority) == (2, 0)


@pytest.mark.parametrize(
    ("tasks", "preempted", "dedicated", "spot"), [(8, 0, 0, 8), (8, 2, 2, 6), (8, 7, 3, 5), (1, 7, 1, 0)]
)
def test_dedicated_nodes_stand_in_for_preempted_ones(
    tasks: int, preempted: int, dedicated: int, spot: int
) -> None:
    scale = spot_with_dedicated_fallback(10, max_dedicated=3)
    result = run(scale, PendingTasks=tasks, PreemptedNodeCount=preempted)
    assert (result.target_dedicated, result.target_low_priority) == (dedicated, spot)


@pytest.mark.parametrize(
    ("when", "offset", "nodes"),
    [
        (dt.datetime(2026, 1, 7, 12, tzinfo=dt.timezone.utc), 0, 5),
        (dt.datetime(2026, 1, 7, 7, 59, tzinfo=dt.timezone.utc), 0, 1),
        (dt.datetime(2026, 1, 7, 7, 59, tzinfo=dt.timezone.utc), 1, 5),
        (dt.datetime(2026, 1, 7, 18, 0, tzinfo=dt.timezone.utc), 0, 1),
        (dt.datetime(2026, 1, 10, 12, tzinfo=dt.timezone.utc), 0, 1),
        (dt.datetime(2026, 1, 11, 12, tzinfo=dt.timezone.utc), 0, 1),
        (dt.datetime(2026, 1, 9, 23, tzinfo=dt.timezone.utc), -8, 5),
    ],
)
def test_working_hours(when: dt.datetime, offset: int, nodes: int) -> None:
    assert run(working_hours(5, otherwise=1, utc_offset=offset), now=when).target_dedicated == nodes


def test_a_wrong_formula_is_told_with_line_and_column() -> None:
    with pytest.raises(SpecError, match=r"Line 2, Col \d+"):
        AutoScale("$TargetDedicatedNodes = 1;\n$TargetLowPriorityNodes = foo(;")


def test_a_formula_that_sets_no_number_of_nodes_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(SpecError, match=r"Did you mean '\$TargetDedicatedNodes'"):
        AutoScale("$now = time();\n$TargetDedicatedNode = 1;")
    with pytest.raises(SpecError, match="sets no number of nodes"):
        AutoScale("$wanted = 3;")


@pytest.mark.parametrize("name", ["$TargetLowPriorityNodes", "$TargetDedicated", "$TargetLowPriority"])
def test_each_target_by_itself_is_enough(name: str) -> None:
    assert AutoScale(f"{name} = 1;").formula == f"{name} = 1;"


def test_a_formula_that_is_a_template_is_checked_once_it_is_rendered() -> None:
    from airflow_batch_provider.spec import Pool

    pool = Pool(id="p", vm_size="standard_s", scale=AutoScale("$TargetDedicatedNodes = {{ n }};"))
    assert pool.rendered(lambda text: text.replace("{{ n }}", "2")).scale == AutoScale(
        "$TargetDedicatedNodes = 2;"
    )
    with pytest.raises(SpecError, match="refused"):
        pool.rendered(lambda text: text.replace("{{ n }}", "("))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AutoScale(" "), "empty"),
        (lambda: AutoScale("x" * 8193), "8192"),
        (lambda: AutoScale("$TargetDedicatedNodes=1", dt.timedelta(minutes=4)), "interval"),
        (lambda: AutoScale("$TargetDedicatedNodes=1", dt.timedelta(hours=169)), "interval"),
        (lambda: FixedScale(dedicated=-1), "dedicated nodes"),
        (lambda: FixedScale(spot="many"), "spot nodes"),
        (lambda: FixedScale(spot=True), "spot nodes"),
        (lambda: FixedScale(1, resize_timeout=dt.timedelta(minutes=1)), "resize_timeout"),
        (lambda: pending_tasks(0), "max_nodes"),
        (lambda: pending_tasks(3, min_nodes=4), "minimum nodes"),
        (lambda: working_hours(3, first_hour=24), "first_hour"),
    ],
)
def test_mistakes_in_scales(make: object, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()  # type: ignore[operator]


def test_numbers_may_come_as_text() -> None:
    assert FixedScale(dedicated="3", spot="{{ n }}").to_wire()["targetDedicatedNodes"] == 3
