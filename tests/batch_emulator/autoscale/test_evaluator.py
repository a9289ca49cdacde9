from datetime import datetime

import pytest

from batch_emulator.autoscale import AutoScaleResult
from tests.batch_emulator.autoscale.builders import (
    a_context,
    detail_of,
    fault_of,
    run,
    steady,
    value_of,
)


def targets(result: AutoScaleResult) -> tuple[int | None, int | None]:
    return result.target_dedicated, result.target_low_priority


# --- targets


def test_the_formula_sets_the_targets() -> None:
    assert targets(run("$TargetDedicatedNodes = 3; $TargetLowPriorityNodes = 4;")) == (3, 4)


def test_a_target_that_is_not_assigned_keeps_its_value() -> None:
    context = a_context(dedicated=5, low_priority=6)
    assert targets(run("$TargetDedicatedNodes = 3;", context)) == (3, 6)
    assert targets(run("x = 1;", context)) == (5, 6)


def test_reading_a_target_gives_the_current_one_until_it_is_assigned() -> None:
    formula = "a = $TargetDedicatedNodes; $TargetDedicatedNodes = 8; b = $TargetDedicatedNodes;"
    assert run(formula, a_context(dedicated=5)).results.endswith(";a=5;b=8")


def test_the_older_names_mean_the_same() -> None:
    formula = "$TargetDedicated = $TargetDedicated + 1; $TargetLowPriority = $TargetLowPriorityNodes + 2;"
    result = run(formula, a_context(dedicated=5, low_priority=5))
    assert targets(result) == (6, 7)
    assert result.results.startswith("$TargetDedicatedNodes=6;$TargetLowPriorityNodes=7;")


@pytest.mark.parametrize(
    "formula",
    [
        "$TargetDedicatedNodes = 3; $TargetDedicated = 9;",
        "$TargetDedicated = 9; $TargetDedicatedNodes = 3;",
    ],
)
def test_the_full_name_wins_over_the_older_one(formula: str) -> None:
    assert run(formula).target_dedicated == 3


def test_the_older_names_of_current_counts_are_read_too() -> None:
    context = a_context({"$CurrentDedicatedNodes": steady(4), "$CurrentLowPriorityNodes": steady(2)})
    formula = "$TargetDedicatedNodes = $CurrentDedicated; $TargetLowPriorityNodes = $CurrentLowPriority"
    assert targets(run(formula, context)) == (4, 2)


@pytest.mark.parametrize(
    ("value", "nodes"), [("3.8", 3), ("0.9", 0), ("-2", 0), ("-0.5", 0), ("99999999999", 2**31 - 1)]
)
def test_fractions_are_cut_and_nothing_is_negative(value: str, nodes: int) -> None:
    assert run(f"$TargetDedicatedNodes = {value};").target_dedicated == nodes


@pytest.mark.parametrize("value", ["1 / 0", "-1 / 0", "0 / 0"])
def test_a_target_must_be_finite(value: str) -> None:
    formula = f"x = {value};\n  $TargetDedicatedNodes = x;"
    error = fault_of(formula)
    assert error.code == "AutoScalingFormulaEvaluationError"
    assert error.values[0].value.startswith("Line 2, Col 3: $TargetDedicatedNodes would become")


def test_the_neutral_formula_works_on_a_pool_of_this_second() -> None:
    assert targets(run("$TargetDedicatedNodes = $CurrentDedicatedNodes;")) == (0, 0)


def test_task_slots_are_a_plain_number() -> None:
    assert run("$TargetDedicatedNodes = 8 / $TaskSlotsPerNode;", a_context(slots=4)).target_dedicated == 2


# --- deallocation option


@pytest.mark.parametrize("word", ["requeue", "terminate", "taskcompletion", "retaineddata"])
def test_deallocation_options(word: str) -> None:
    result = run(f"$NodeDeallocationOption = {word};")
    assert result.node_deallocation_option == word
    assert f"$NodeDeallocationOption={word}" in result.results


def test_requeue_is_the_default() -> None:
    assert run("x = 1;").node_deallocation_option == "requeue"


def test_the_option_can_be_chosen_and_passed_on() -> None:
    formula = "word = 1 > 2 ? requeue : taskcompletion; $NodeDeallocationOption = word;"
    assert run(formula).node_deallocation_option == "taskcompletion"


# --- results


def test_results_as_the_official_client_expects_them() -> None:
    expected = "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    assert run("$TargetDedicatedNodes=3").results == expected


def test_user_variables_follow_those_with_a_dollar_first() -> None:
    formula = 'b = 2; $z = vec(1, 1, 1); $a = time(); c = TimeInterval_Minute; s = "text";'
    assert run(formula).results == (
        "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;"
        "$a=2026-01-07T12:00:00.000Z;$z=[1,1,1];b=2;c=PT1M;s=text"
    )


def test_doubles_have_six_significant_digits() -> None:
    assert value_of("2900 / 30") == "96.6667"
    assert value_of("1000000") == "1e+06"


# --- the end


def test_stop_keeps_what_is_assigned_so_far() -> None:
    result = run("$TargetDedicatedNodes = 3; stop(); $TargetDedicatedNodes = 9; x = 1;")
    assert result.target_dedicated == 3
    assert "x=" not in result.results
    assert result.error is None


def test_stop_can_depend_on_a_condition() -> None:
    formula = "$TargetDedicatedNodes = 3; $ActiveTasks > 5 ? stop() : 0; $TargetDedicatedNodes = 9;"
    assert run(formula, a_context({"$ActiveTasks": steady(6)})).target_dedicated == 3
    assert run(formula, a_context({"$ActiveTasks": steady(5)})).target_dedicated == 9


def test_an_error_leaves_the_pool_alone() -> None:
    result = run("$TargetDedicatedNodes = 9; x = val(vec(1), 1);", a_context(dedicated=4, low_priority=2))
    assert targets(result) == (None, None)
    assert result.node_deallocation_option is None
    assert result.results == (
        "$TargetDedicatedNodes=4;$TargetLowPriorityNodes=2;$NodeDeallocationOption=requeue"
    )


def test_an_error_carries_its_place() -> None:
    assert detail_of("a = 1;\nb = avg(\n  val(vec(a), 1));").startswith("Line 3, Col 3: val(1) is outside")


def test_an_evaluation_can_be_repeated_to_the_letter() -> None:
    formula = "$TargetDedicatedNodes = rand() * 100; x = rand(); t = time();"
    assert run(formula, a_context(seed=5)) == run(formula, a_context(seed=5))


def test_the_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        run("x = 1;", a_context(now=datetime(2026, 1, 1)))  # noqa: DTZ001
