"""Constructs met in formulas of public projects, in formulas of our own."""

import pytest

from batch_emulator.autoscale import FormulaError, parse
from tests.batch_emulator.autoscale.builders import NOW, a_busy_account, a_context, run, steady


def test_a_choice_with_arithmetic_after_its_last_branch() -> None:
    formula = "$round = 1; $wanted = $ActiveTasks > 0 ? (($ActiveTasks + $round) / 2) : max(0, 4/2) + 0.5;"
    assert run(formula, a_context({"$ActiveTasks": steady(7)})).results.endswith("$wanted=4")
    assert run(formula).results.endswith("$wanted=2.5")


def test_booleans_are_numbers() -> None:
    formula = "rebalance = 0 == 1; left = 3; moved = (rebalance && left > 0) ? min(2, left) : 0;"
    assert run(formula).results.endswith(";left=3;moved=0;rebalance=0")


def test_the_last_sample_as_an_element() -> None:
    formula = "last = val($ActiveTasks.GetSample(1), 0); both = last < 9 ? avg(last, 9) : max(last, 9);"
    assert run(formula, a_context(a_busy_account())).results.endswith(";both=8;last=7")


def test_a_list_with_a_sample_variable_in_it() -> None:
    assert (
        run("$TargetDedicatedNodes = max(0, $PendingTasks);", a_context(a_busy_account())).target_dedicated
        == 7
    )


def test_a_time_with_microseconds_against_an_interval() -> None:
    formula = (
        'age = time() - time("2026-01-07T11:58:00.123456Z");'
        "$TargetDedicatedNodes = age < 5*TimeInterval_Minute ? 1 : 3;"
    )
    result = run(formula, a_context(now=NOW))
    assert result.target_dedicated == 1
    assert ";age=PT1M59.876544S" in result.results


def test_a_halved_result_is_cut() -> None:
    formula = "$TargetDedicated = 0.5*max(0,min(7,10)); $TargetLowPriorityNodes = 0.5*7;"
    result = run(formula)
    assert (result.target_dedicated, result.target_low_priority) == (3, 3)


def test_a_constant_as_a_decimal() -> None:
    assert run("x = TimeInterval_Second * 600.0;").results.endswith("x=PT10M")


def test_an_extra_escape_is_explained() -> None:
    formula = r"age = time() - time(\"Mon, 06 Oct 2014 10:20:00 GMT\");"
    with pytest.raises(FormulaError, match="copied from JSON or code"):
        parse(formula)
