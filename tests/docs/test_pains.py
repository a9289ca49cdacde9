"""Every pain is answered by tests or by words, and the tests are there."""

from __future__ import annotations

from tests.docs.pain_answers import NOT_OURS, SHOWN_BY
from tests.docs.pains import TESTS, pains, shown


def test_every_pain_is_answered_by_tests_or_by_words_and_not_by_both() -> None:
    numbers = {pain.number for pain in pains()}
    assert numbers == set(range(1, 193))
    assert numbers - shown().keys() == NOT_OURS.keys()


def test_tests_of_other_names_are_there() -> None:
    text = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in SHOWN_BY if f"def {name}(" not in text] == []


def test_none_is_left_open() -> None:
    assert {text.partition(":")[0].partition(" yet")[0] for text in NOT_OURS.values()} == {
        "Not ours",
        "Answered otherwise",
    }
