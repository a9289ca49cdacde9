import pickle

import pytest

from batch_emulator.autoscale import FormulaError, FormulaTooLong, parse


def explained(formula: str) -> str:
    with pytest.raises(FormulaError) as caught:
        parse(formula)
    return caught.value.explain(formula)


def test_an_explanation_shows_the_place_and_what_would_be_right() -> None:
    formula = (
        "// grow with the queue\n$tasks = avg($PendingTask.GetSample(1));\n$TargetDedicatedNodes = $tasks;"
    )
    assert explained(formula) == (
        "Line 2, Col 14: `$PendingTask` is neither a variable of the service nor assigned above.\n"
        "  $tasks = avg($PendingTask.GetSample(1));\n"
        "               ^\n"
        "Did you mean `$PendingTasks`?"
    )


def test_the_caret_stands_under_the_fault_of_a_long_line() -> None:
    formula = "a = 1; " * 60 + "b = c; " + "a = 2; " * 30
    _, shown, caret, _ = explained(formula).split("\n")
    assert len(shown) < 120
    assert shown[caret.index("^")] == "c"


def test_tabs_and_strange_characters_do_not_move_the_caret() -> None:
    _, shown, caret, _ = explained("\tx =\t\x07c;").split("\n")
    assert caret.index("^") == shown.index("c") - 1


def test_the_end_of_a_formula_can_be_pointed_at() -> None:
    _, shown, caret, _ = explained("x = (1").split("\n")
    assert caret.index("^") == len(shown)


@pytest.mark.parametrize("ends", ["\n", "\n\n", "  \r\n \r\n", "\n\t"])
def test_an_end_with_empty_lines_is_pointed_at_after_what_is_written(ends: str) -> None:
    place, shown, caret, _ = explained(f"a = 1;\nx = (1{ends}").split("\n")
    assert place == "Line 2, Col 7: The formula ends too early."
    assert shown.rstrip() == "  x = (1"
    assert caret.index("^") == len(shown.rstrip())


def test_an_explanation_does_not_depend_on_the_formula_fitting() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("a = 1;\n\nb = c;")
    assert "^" in caught.value.explain("")


def test_as_text_an_error_has_place_fault_and_remedy() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("x = $TaskSlotPerNode;")
    assert str(caught.value) == (
        "Line 1, Col 5: `$TaskSlotPerNode` is neither a variable of the service nor assigned above. "
        "Did you mean `$TaskSlotsPerNode`?"
    )


def test_errors_know_the_service_code() -> None:
    assert FormulaError.code == "AutoScalingFormulaSyntaxError"
    assert FormulaTooLong.code == "AutoScalingFormulaTooLong"


def test_errors_survive_pickling() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("x = c;")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.line) == (type(caught.value), str(caught.value), 1)
