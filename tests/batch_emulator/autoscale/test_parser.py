import pytest

from batch_emulator.autoscale import FormulaSyntaxError, FormulaTooLong, format_formula, parse
from tests.batch_emulator.autoscale.builders import value_of


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 3 - 2", "5"),
        ("10 - (3 - 2)", "9"),
        ("12 / 3 / 2", "2"),
        ("1 + 1 == 2", "1"),
        ("1 < 2 == 1", "1"),
        ("3 > 2 > 1", "0"),
        ("1 || 0 && 0", "1"),
        ("(1 || 0) && 0", "0"),
        ("-2 * 3", "-6"),
        ("!0 + 1", "2"),
        ("--2", "2"),
        ("-!-0", "-1"),
        ("0 ? 1 : 0 ? 2 : 3", "3"),
        ("1 ? 0 ? 1 : 2 : 3", "2"),
        ("1 ? 2 : 3 + 10", "2"),
        ("0 ? 2 : 3 + 10", "13"),
        ("(0 ? 2 : 3) + 10", "13"),
        ("1 < 2 && 2 < 3 ? 4 : 5", "4"),
    ],
)
def test_precedence_is_that_of_c(expression: str, value: str) -> None:
    assert value_of(expression) == value


LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
PAIRS = [
    (loose, tight)
    for level, looser in enumerate(LEVELS)
    for loose in looser
    for tighter in LEVELS[level + 1 :]
    for tight in tighter
]


@pytest.mark.parametrize(("loose", "tight"), PAIRS)
def test_every_operator_against_every_tighter_one(loose: str, tight: str) -> None:
    for bare in (f"x = 1 {loose} 2 {tight} 3;", f"x = 1 {tight} 2 {loose} 3;"):
        assert format_formula(parse(bare)) == bare
    assert format_formula(parse(f"x = 1 {loose} (2 {tight} 3);")) == f"x = 1 {loose} 2 {tight} 3;"
    assert format_formula(parse(f"x = (1 {tight} 2) {loose} 3;")) == f"x = 1 {tight} 2 {loose} 3;"
    for forced in (f"x = (1 {loose} 2) {tight} 3;", f"x = 1 {tight} (2 {loose} 3);"):
        assert format_formula(parse(forced)) == forced


@pytest.mark.parametrize(("one", "other"), [(a, b) for level in LEVELS for a in level for b in level])
def test_operators_of_one_level_go_from_left_to_right(one: str, other: str) -> None:
    assert format_formula(parse(f"x = (1 {one} 2) {other} 3;")) == f"x = 1 {one} 2 {other} 3;"
    forced = f"x = 1 {one} (2 {other} 3);"
    assert format_formula(parse(forced)) == forced


def test_the_last_semicolon_may_be_missing() -> None:
    assert len(parse("a = 1; b = 2").statements) == len(parse("a = 1; b = 2;").statements) == 2


def test_a_bare_call_is_a_statement() -> None:
    assert format_formula(parse("stop()")) == "stop();"


@pytest.mark.parametrize(
    ("formula", "line", "column", "says"),
    [
        ("", 1, 1, "ends too early"),
        ("// nothing", 1, 11, "ends too early"),
        (";", 1, 1, "not expected"),
        ("a = 1;;", 1, 7, "not expected"),
        ("= 1", 1, 1, "not expected"),
        ("a = ", 1, 5, "ends too early"),
        ("a = 1\nb = 2", 2, 1, "`b` is not expected"),
        ("a = (1", 1, 7, "ends too early"),
        ("a = 1)", 1, 6, "`)` is not expected"),
        ("a = max(1, )", 1, 12, "`)` is not expected"),
        ("a = max(1 2)", 1, 11, "`2` is not expected"),
        ("a = 1 ? 2", 1, 10, "ends too early"),
        ("a = 1 +* 2", 1, 8, "`*` is not expected"),
        ("a = time().", 1, 12, "ends too early"),
        ("a = time().(1)", 1, 12, "`(` is not expected"),
        ("a == 1", 1, 1, "assigns nothing"),
        ("5", 1, 1, "assigns nothing"),
        ("a + 1 = 2", 1, 7, "`=` is not expected"),
        ("5 = 2", 1, 3, "`=` is not expected"),
        ("a = b = 2", 1, 7, "`=` is not expected"),
    ],
)
def test_what_is_not_a_statement_is_refused_at_its_place(
    formula: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        parse(formula)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.message


def test_100_statements_are_the_limit() -> None:
    assert len(parse("a = 1;" * 100).statements) == 100
    with pytest.raises(FormulaTooLong, match="100 statements"):
        parse("a = 1;" * 101)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 4000 + "1" + ")" * 4000,
        "max(" * 1500 + "1" + ")" * 1500,
        "-" * 8000 + "1",
        "!" * 8000 + "1",
        "time()" + ".year" * 1600,
        "1 ? " * 1500 + "1" + " : 2" * 500,
        "(1||1&&1==1<1+1*" * 300 + "1" + ")" * 300,
        "(" * 8000,
    ],
)
def test_depth_is_bounded_and_refused_as_any_other_fault(expression: str) -> None:
    with pytest.raises(FormulaSyntaxError, match="levels deep"):
        parse(f"x = {expression}")


def test_reasonable_depth_passes() -> None:
    assert value_of("(" * 40 + "1" + ")" * 40) == "1"
    assert value_of("-" * 40 + "1") == "1"


def test_length_without_depth_is_no_trouble() -> None:
    assert value_of("+".join(["1"] * 4000)) == "4000"
    assert value_of("&&".join(["1"] * 2700)) == "1"
    assert value_of("".join(f"0 ? {i} : " for i in range(700)) + "9") == "9"


def test_a_number_beyond_a_double_is_refused() -> None:
    with pytest.raises(FormulaSyntaxError, match="larger than a double"):
        parse("x = " + "9" * 400)
