"""Distributions, and behaviours out of JSON."""

from __future__ import annotations

from random import Random
from statistics import mean, median
from typing import Any

import pytest

from batch_emulator.service.effects import StartRun
from batch_emulator.simulation import (
    Behaviour,
    BehaviourError,
    Constant,
    Exponential,
    LogNormal,
    Span,
    Uniform,
    Work,
    parse_behaviour,
)


def a_run(kind: str = "task", **environment: str) -> StartRun:
    return StartRun("r", kind, "p", "n", "b", "root", {}, tuple(environment.items()))


@pytest.mark.parametrize(
    ("span", "average", "middle"),
    [
        (Constant(7), 7, 7),
        (Uniform(10, 30), 20, 20),
        (Exponential(100), 100, 69.3),
        (LogNormal(60, 0.5), 68, 60),
    ],
)
def test_spans_are_distributed_as_they_say(span: Span, average: float, middle: float) -> None:
    chance = Random(3)
    drawn = [span.draw(chance) for _ in range(20_000)]
    assert mean(drawn) == pytest.approx(average, rel=0.03)
    assert median(drawn) == pytest.approx(middle, rel=0.03)
    assert min(drawn) >= 0


def test_runs_take_what_their_kind_takes() -> None:
    behaviour = Behaviour(run=Constant(5), special=Constant(2))
    assert behaviour.work_of(a_run("task"), Random(1)) == Work(5, 0)
    assert behaviour.work_of(a_run("manager"), Random(1)) == Work(5, 0)
    for kind in ("start", "preparation", "release", "coordination"):
        assert behaviour.work_of(a_run(kind), Random(1)) == Work(2, 0)


def test_failures_come_at_their_rate() -> None:
    behaviour, chance = Behaviour(failure_rate=0.25), Random(2)
    failed = sum(behaviour.work_of(a_run(), chance).exit_code for _ in range(10_000))
    assert 2300 < failed < 2700


def test_a_task_has_its_own_way() -> None:
    run = a_run(SIMULATED_SECONDS="12.5", SIMULATED_EXIT_CODE="3", OTHER="x")
    assert Behaviour().work_of(run, Random(1)) == Work(12.5, 3)
    assert Behaviour().work_of(a_run(SIMULATED_SECONDS="soon"), Random(1)) == Work(1, 0)
    assert Behaviour().work_of(a_run(SIMULATED_SECONDS="-1"), Random(1)) == Work(1, 0)
    assert Behaviour().work_of(a_run(SIMULATED_SECONDS="nan"), Random(1)) == Work(1, 0)


def test_a_function_decides_alone() -> None:
    behaviour = Behaviour(work=lambda run, chance: Work(len(run.run_id), 9))
    assert behaviour.work_of(a_run(SIMULATED_SECONDS="5"), Random(1)) == Work(1, 9)


def test_a_behaviour_out_of_json() -> None:
    parsed = parse_behaviour(
        {
            "bootSeconds": {"uniform": [10, 20]},
            "taskSeconds": {"lognormal": [60, 0.5]},
            "specialTaskSeconds": {"exponential": 3},
            "failureRate": 0.1,
        }
    )
    assert parsed == Behaviour(Uniform(10, 20), LogNormal(60, 0.5), Exponential(3), 0.1)
    assert parse_behaviour({"taskSeconds": 4}) == Behaviour(run=Constant(4))
    assert parse_behaviour({}) == Behaviour()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "must be a JSON object"),
        ({"taskMinutes": 1}, "no member 'taskMinutes'"),
        ({"taskSeconds": "1"}, "taskSeconds must be a number, or an object"),
        ({"taskSeconds": -1}, "taskSeconds must be from 0"),
        ({"taskSeconds": {"normal": 1}}, "one of uniform, exponential, lognormal"),
        ({"taskSeconds": {"uniform": [5, 1]}}, "must have the least first: 5 is more than 1"),
        ({"taskSeconds": {"uniform": [1]}}, "taskSeconds.uniform must have 2 numbers"),
        ({"taskSeconds": {"uniform": [1, True]}}, "taskSeconds.uniform must have 2 numbers"),
        ({"taskSeconds": {"exponential": 1e12}}, "taskSeconds.exponential must be from 0"),
        ({"failureRate": 2}, "failureRate must be a number from 0 to 1"),
    ],
)
def test_what_is_wrong_is_named(value: Any, words: str) -> None:
    with pytest.raises(BehaviourError, match=words):
        parse_behaviour(value)
