import pytest

from batch_emulator.autoscale import (
    SAMPLE_VARIABLES,
    FormulaError,
    FormulaNameError,
    FormulaTypeError,
    parse,
)


def refusal(formula: str) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        parse(formula)
    return caught.value


@pytest.mark.parametrize(
    ("formula", "column", "message", "remedy"),
    [
        ("x = $Pendingtasks", 5, "neither a variable", "`$PendingTasks`"),
        ("x = PendingTasks", 5, "neither a variable", "`$PendingTasks`"),
        ("x = $preemptedNodeCount", 5, "neither a variable", "`$PreemptedNodeCount`"),
        ("x = $ActivTasks.GetSample(1)", 5, "neither a variable", "`$ActiveTasks`"),
        ("x = TimeInterval_Minutes", 5, "neither a variable", "`TimeInterval_Minute`"),
        ("$NodeDeallocationOption = TaskCompletion", 27, "neither a variable", "`taskcompletion`"),
        ("total = 1; x = totl", 16, "neither a variable", "`total`"),
        ("x = qqqq", 5, "neither a variable", "Assign it first"),
        ("x = $y; $y = 1", 5, "read before it is assigned", "move its assignment up"),
        ("x = x + 1", 5, "read before it is assigned", "move its assignment up"),
        ("a = 1; x = $a", 12, "neither a variable", "`a`"),
        ("x = average(1)", 5, "no function `average`", "The functions are"),
        ("x = Max(1)", 5, "no function `Max`", "`max`"),
        ("x = $ActiveTasks.getSample(1)", 5, "no method", "`GetSample`"),
        ("x = $ActiveTasks.Foo()", 5, "no method", "The methods are"),
        ("$ActiveTasks = 1", 1, "read-only", "$TargetDedicatedNodes"),
        ("$TaskSlotsPerNode = 1", 1, "read-only", "$TargetDedicatedNodes"),
        ("$CurrentDedicated = 1", 1, "read-only", "$TargetDedicatedNodes"),
        ("requeue = 1", 1, "word of the language", "another name"),
        ("TimeInterval_Day = 1", 1, "word of the language", "another name"),
    ],
)
def test_names(formula: str, column: int, message: str, remedy: str) -> None:
    error = refusal(formula)
    assert isinstance(error, FormulaNameError)
    assert error.column == column
    assert message in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("formula", "column", "message", "remedy"),
    [
        # operators
        ("x = time() - TimeInterval_Hour", 12, "timestamp and timeinterval", "negative timeinterval"),
        ("x = time() + time()", 12, "timestamp and timestamp", "timeinterval + timestamp"),
        ("x = 2 * vec(1, 2)", 7, "double and doubleVec", "to the left"),
        ("x = $ActiveTasks.GetSample(5) > 3", 31, "doubleVec and double", "`avg(v)`"),
        ("x = TimeInterval_Day / TimeInterval_Hour", 22, "timeinterval and timeinterval", "double"),
        ("x = TimeInterval_Day + 1", 22, "timeinterval and double", "timeinterval + timeinterval"),
        ('x = 1 == "1"', 7, "double and string", "string == string"),
        ("x = requeue == requeue", 13, "node deallocation option", "It takes"),
        ("x = time() && 1", 12, "timestamp and double", "double && double"),
        ("x = -time()", 5, "before a timestamp", "a double or a timeinterval"),
        ("x = !TimeInterval_Day", 5, "before a timeinterval", "a double"),
        ("x = !vec(1)", 5, "before a doubleVec", "a double"),
        # ? :
        ("x = time() ? 1 : 2", 5, "condition before `?`", "Compare"),
        ("x = 1 ? 2 : time()", 13, "a double and a timestamp", "one type"),
        ("x = 1 ? vec(1) : 0 ? vec(2) : 3", 31, "a doubleVec and a double", "one type"),
        # functions
        ("x = max()", 5, "at least one argument", "doubles and doubleVecs"),
        ("x = max(1, TimeInterval_Day)", 12, "does not take a timeinterval", "doubles and doubleVecs"),
        ("x = rand(1)", 5, "1 argument", "rand()"),
        ("x = val(vec(1))", 5, "1 argument", "val(doubleVec v, double i)"),
        ("x = val(1, 0)", 9, "a double where it takes a doubleVec", "val("),
        ("x = percentile(vec(1), vec(2))", 24, "a doubleVec where it takes a double", "percentile("),
        ("x = time(1)", 10, "a double where it takes a string", "time("),
        ('x = time("yesterday")', 10, "not a time", "2026-01-31T10:00:00Z"),
        ('x = time("Tue, 06 Oct 2014 10:20:00 GMT")', 10, "not a time", "true weekday"),
        # members and methods
        ("x = time().hours", 12, "no member `hours`", "`hour`"),
        ("x = $ActiveTasks.hour", 18, "A double has no member", "Only a timestamp has"),
        ("x = $ActiveTasks.Count", 18, "is a method", "Count()"),
        ("x = $TaskSlotsPerNode.GetSample(1)", 5, "Only the service's sample variables", "$PendingTasks"),
        ("x = $TargetDedicatedNodes.Count()", 5, "Only the service's sample variables", "$PendingTasks"),
        ("a = 1; x = a.Count()", 12, "Only the service's sample variables", "$PendingTasks"),
        ("x = $ActiveTasks.GetSample()", 5, "does not take (nothing)", "GetSample(count)"),
        ("x = $ActiveTasks.GetSample(1, 2)", 5, "does not take (double, double)", "GetSample(count)"),
        ("x = $ActiveTasks.GetSamplePercent(5)", 5, "does not take (double)", "GetSamplePercent(start"),
        ("x = $ActiveTasks.Count(1)", 5, "does not take (double)", "Count()"),
        # assignments
        ("$TargetDedicatedNodes = $ActiveTasks.GetSample(1)", 1, "become a doubleVec", "`val(v, 0)`"),
        ("$TargetLowPriority = time()", 1, "become a timestamp", "takes a double"),
        ("$NodeDeallocationOption = 1", 1, "become a double", "without quotes"),
        ('$NodeDeallocationOption = "requeue"', 1, "become a string", "without quotes"),
        ("x = stop()", 1, "become a nothing", "statement of its own"),
        ("x = 1 + stop()", 7, "double and nothing", "double + double"),
    ],
)
def test_types_and_arguments(formula: str, column: int, message: str, remedy: str) -> None:
    error = refusal(formula)
    assert isinstance(error, FormulaTypeError)
    assert (error.line, error.column) == (1, column)
    assert message in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize("name", SAMPLE_VARIABLES)
def test_every_sample_variable_can_be_asked_and_used_as_a_number(name: str) -> None:
    parse(f"v = {name}.GetSample(1); x = {name} * 2 + max({name}, 1);")


def test_a_variable_may_change_its_type() -> None:
    parse("x = 1; x = time(); y = x.hour;")


def test_user_variables_may_be_named_like_functions() -> None:
    parse("$round = 1; max = 2; now = time(); y = max(max, $round) + now.hour;")


def test_a_branch_that_stops_agrees_with_any_type() -> None:
    parse("1 ? stop() : time(); x = 1 ? stop() : 2; y = x + 1;")


def test_a_formula_knows_what_it_assigns() -> None:
    assert parse("a = 1; $TargetDedicated = a").assigned == {"a", "$TargetDedicated"}
