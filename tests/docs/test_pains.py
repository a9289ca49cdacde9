"""Every pain has a test that shows it gone, or a word on why not; and no test is of a pain that nobody had."""

from __future__ import annotations

from tests.docs.not_ours import NOT_OURS
from tests.docs.pains import pains, shown


def test_every_pain_is_answered_once() -> None:
    numbers = {pain.number for pain in pains()}
    assert numbers == set(range(1, 193))
    assert shown().keys() <= numbers
    assert numbers - shown().keys() == NOT_OURS.keys()
