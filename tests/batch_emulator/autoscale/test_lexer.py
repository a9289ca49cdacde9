import pytest

from batch_emulator.autoscale import FormulaSyntaxError, FormulaTooLong
from batch_emulator.autoscale.lexer import TokenKind, tokenize


def texts(formula: str) -> list[str]:
    return [token.text for token in tokenize(formula)[:-1]]


def test_names_keep_their_dollar_and_symbols_of_two_characters_stay_whole() -> None:
    assert " ".join(texts("$a_1=b<=c&&!d||e!=1.5;")) == "$a_1 = b <= c && ! d || e != 1.5 ;"


def test_a_string_loses_its_quotes() -> None:
    token = tokenize('time("a b;//c")')[2]
    assert (token.kind, token.text) == (TokenKind.STRING, "a b;//c")


@pytest.mark.parametrize("comment", ["// to the end = of (line\n", "/* one\n * two */", "// last line"])
def test_comments_and_white_space_are_nothing(comment: str) -> None:
    assert texts(f"a\t=\r\n 1 {comment}") == ["a", "=", "1"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_places_count_lines_and_columns_from_one(line_break: str) -> None:
    token = tokenize(f"a = 1;{line_break}  b = 2;")[4]
    assert (token.text, token.position.line, token.position.column) == ("b", 2, 3)


def test_the_end_has_a_place_too() -> None:
    end = tokenize("ab")[-1]
    assert (end.kind, end.position) == (TokenKind.END, (1, 3))


@pytest.mark.parametrize(
    ("formula", "column", "remedy"),
    [
        ("x = 1 % 2", 7, "no remainder"),
        ("x = 2 ^ 3", 7, "no power"),
        ("x = a & b", 7, "`&&`"),
        ("x = a | b", 7, "`||`"),
        ("x = 'a'", 5, "double quotes"),
        ('x = time("2026', 10, "Close the string"),
        ('x = time("2026\n")', 10, "Close the string"),
        (r"x = time(\"2026\")", 10, "no escapes"),
        ("x = “a”", 5, "typographic"),
        ("x =\u00a01", 4, "non-breaking"),
        ("x = 1 /* open", 7, "Close the comment"),
        ("x = [1]", 5, "vec("),
        ("x = {1}", 5, "condition ? a : b"),
        ("x = 1e5", 5, "plain decimals"),
        ("x = .5", 5, "plain decimals"),
        ("x = 1.", 5, "plain decimals"),
        ("x = 5m", 5, "plain decimals"),
        ("x = 1.2.3", 5, "plain decimals"),
        ("x = é", 5, "names, numbers"),
        ("x = \x07", 5, "names, numbers"),
    ],
)
def test_what_no_formula_has_is_refused_with_advice(formula: str, column: int, remedy: str) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        tokenize(formula)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert remedy in caught.value.remedy


def test_8192_characters_are_the_limit() -> None:
    fits = "x = 1;" + " " * (8192 - 6)
    assert texts(fits) == ["x", "=", "1", ";"]
    with pytest.raises(FormulaTooLong, match="Line 1, Col 1: The formula has 8193 characters"):
        tokenize(fits + " ")
