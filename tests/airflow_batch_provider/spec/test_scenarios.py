"""Named formulas in situations that users told of, evaluated by the formula language of the emulator."""

from __future__ import annotations

import datetime as dt
from random import Random
from zoneinfo import ZoneInfo

import pytest

from airflow_batch_provider.spec import (
    AutoScale,
    Pool,
    SpecError,
    pending_tasks,
    spot_with_dedicated_fallback,
    working_hours,
    zero_when_idle,
)
from batch_emulator.autoscale import AutoScaleResult, EvaluationContext, SampleSeries, evaluate, parse

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 7, 8, 12, tzinfo=UTC)  # a Wednesday
PERIOD = dt.timedelta(seconds=30)


def series(*minutes: float, now: dt.datetime = NOW) -> SampleSeries:
    """Samples of the last minutes, oldest first, two in each."""
    values = [value for value in minutes for _ in range(2)]
    return SampleSeries(tuple((now - PERIOD * (len(values) - n), v) for n, v in enumerate(values)))


def run(scale: AutoScale, now: dt.datetime = NOW, slots: int = 1, **samples: SampleSeries) -> AutoScaleResult:
    named = {f"${name}": values for name, values in samples.items()}
    result = evaluate(parse(scale.formula), EvaluationContext(now, named, 0, 0, Random(1), slots))
    assert result.error is None, result.error
    return result


def option(result: AutoScaleResult) -> str:
    found = result.node_deallocation_option
    return str(getattr(found, "value", found)).lower()


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_pain_004_and_005_metrics_are_in_tasks_and_nodes_in_slots(slots: int) -> None:
    result = run(pending_tasks(100), slots=slots, PendingTasks=series(*[40] * 5))
    assert result.target_low_priority == 40 // slots


def test_pain_011_preempted_nodes_are_taken_into_account() -> None:
    scale = spot_with_dedicated_fallback(10, max_dedicated=4)
    work, calm = series(*[10] * 5), series(*[0] * 5)
    before = run(scale, PendingTasks=work, PreemptedNodeCount=calm)
    assert (before.target_dedicated, before.target_low_priority) == (0, 10)
    storm = run(scale, PendingTasks=work, PreemptedNodeCount=series(0, 0, 2, 6, 6))
    assert (storm.target_dedicated, storm.target_low_priority) == (4, 6)


def test_pain_032_preemptions_end_on_machines_that_are_not_taken_away() -> None:
    scale = spot_with_dedicated_fallback(3, max_dedicated=3)
    result = run(scale, PendingTasks=series(*[3] * 5), PreemptedNodeCount=series(*[3] * 5))
    assert (result.target_dedicated, result.target_low_priority) == (3, 0)


def test_pain_012_spot_is_one_flag() -> None:
    for spot, wanted in ((True, (0, 5)), (False, (5, 0))):
        result = run(pending_tasks(5, spot=spot), PendingTasks=series(*[9] * 5))
        assert (result.target_dedicated, result.target_low_priority) == wanted


@pytest.mark.parametrize("scale", [pending_tasks(5), spot_with_dedicated_fallback(5, max_dedicated=1)])
def test_pain_013_no_idle_nodes_are_left(scale: AutoScale) -> None:
    result = run(scale, PendingTasks=series(*[0] * 5), PreemptedNodeCount=series(*[0] * 5))
    assert (result.target_dedicated, result.target_low_priority) == (0, 0)


def test_pain_014_a_formula_that_cannot_be_read_is_an_error_at_dag_parse() -> None:
    with pytest.raises(SpecError, match="formula is refused"):
        AutoScale("$TargetDedicatedNodes = time(2026-01-01T00:00:00Z) > time() ? 1 : 0;")


@pytest.mark.parametrize(
    "scale",
    [
        pending_tasks(5),
        spot_with_dedicated_fallback(5, max_dedicated=1),
        working_hours(5),
        working_hours(5, time_zone="Europe/Berlin"),
        zero_when_idle(5),
    ],
)
def test_pain_020_and_021_nodes_are_given_up_only_when_their_tasks_have_ended(scale: AutoScale) -> None:
    assert option(run(scale, PendingTasks=series(*[0] * 5))) == "taskcompletion"


def test_pain_023_work_does_not_wait_for_the_first_samples() -> None:
    assert run(pending_tasks(5)).target_low_priority == 1
    assert run(pending_tasks(5, start_nodes=5)).target_low_priority == 5
    assert run(zero_when_idle(5)).target_low_priority == 5


def test_pain_029_a_pool_shrinks_as_its_tasks_end() -> None:
    sizes = [
        run(pending_tasks(20), PendingTasks=series(*[left] * 5)).target_low_priority
        for left in (20, 12, 5, 1, 0)
    ]
    assert sizes == [20, 12, 5, 1, 0]


@pytest.mark.parametrize(
    ("minutes", "nodes"),
    [([0] * 30, 0), ([3] + [0] * 29, 4), ([0] * 29 + [1], 4), ([3] * 5 + [0] * 31, 0), ([0] * 5, 4)],
)
def test_nodes_go_when_there_was_no_work_for_some_time(minutes: list[float], nodes: int) -> None:
    result = run(zero_when_idle(4), PendingTasks=series(*minutes))
    assert (result.target_low_priority, result.target_dedicated) == (nodes, 0)


@pytest.mark.parametrize(
    ("zone", "local", "nodes"),
    [
        ("Europe/Berlin", "2026-03-27T07:59", 0),  # the last working day of winter time
        ("Europe/Berlin", "2026-03-27T08:00", 4),
        ("Europe/Berlin", "2026-03-30T07:59", 0),  # the first one of summer time
        ("Europe/Berlin", "2026-03-30T08:00", 4),
        ("Europe/Berlin", "2037-07-01T17:59", 4),
        ("Europe/Berlin", "2037-07-01T18:00", 0),
        ("America/New_York", "2026-11-02T08:00", 4),
        ("America/New_York", "2026-11-02T07:59", 0),
        ("Asia/Kolkata", "2026-05-04T08:00", 4),
        ("Asia/Kolkata", "2026-05-04T07:59", 0),
        ("Australia/Sydney", "2026-01-04T12:00", 0),  # a Sunday
    ],
)
def test_working_hours_of_a_zone_follow_its_summer_time(zone: str, local: str, nodes: int) -> None:
    scale = working_hours(4, time_zone=zone)
    moment = dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    assert run(scale, now=moment.astimezone(UTC)).target_dedicated == nodes


def test_a_zone_gives_the_same_short_formula_whenever_it_is_parsed() -> None:
    first, second = (working_hours(4, time_zone="Europe/Berlin").formula for _ in range(2))
    assert first == second
    assert len(first) < 3000


def test_zones_that_are_none_and_idle_times_out_of_range() -> None:
    with pytest.raises(SpecError, match="Europe/Berlin"):
        working_hours(4, time_zone="Europe/Atlantis")
    with pytest.raises(SpecError, match="one of the two"):
        working_hours(4, time_zone="Europe/Berlin", utc_offset=1)
    with pytest.raises(SpecError, match="idle time"):
        zero_when_idle(4, idle=dt.timedelta(minutes=1))


def test_an_id_by_fingerprint_is_another_one_for_another_declaration() -> None:
    def named(**fields: object) -> str:
        declared: dict[str, object] = {"id": "p", "vm_size": "s", "id_by_fingerprint": True, **fields}
        return Pool(**declared).pool_id  # type: ignore[arg-type]

    assert named() == named() != named(task_slots=2)
    assert named().startswith("p-")
    assert named(id_by_fingerprint=False) == "p"
    with pytest.raises(SpecError):
        named(id="p" * 60)
