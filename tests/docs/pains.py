"""What users of Batch services said hurts them, each with the test that shows it gone, or why there is none.

A test is named after what it shows gone: ``test_pain_047_...``, or ``test_pain_018_and_028_...`` for several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.docs.pain_answers import NOT_OURS, SHOWN_BY

TESTS = Path(__file__).parents[1]
_TEST = re.compile(r"^ *(?:async )?def (test_pain_(\d{3})((?:_(?:and|to)_\d{3})*)_?\w*)", re.MULTILINE)
_MORE = re.compile(r"_(and|to)_(\d{3})")


@dataclass(frozen=True)
class Pain:
    """One ask or pain.

    :param number: by which tests name it.
    :param thread: where it was said, ``owner/repository#number``.
    :param text: what was said, in our words.
    :param group: what it is about.
    """

    number: int
    thread: str
    text: str
    group: str

    @property
    def link(self) -> str:
        """The thread, as a link."""
        repository, _, number = self.thread.partition("#")
        return f"[{self.thread}](https://github.com/{repository}/issues/{number})"


def pains() -> Iterator[Pain]:
    """All of them, in their order."""
    group = ""
    for line in Path(__file__).with_name("pains.tsv").read_text("utf-8").splitlines():
        if line.startswith("# "):
            group = line[2:]
        else:
            number, thread, text = line.split("\t")
            yield Pain(int(number), thread, text, group)


@lru_cache(maxsize=1)
def shown() -> dict[int, list[str]]:
    """Names of the tests by the number of what they show gone."""
    found: dict[int, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, first, more in _TEST.findall(path.read_text("utf-8")):
            numbers = [int(first)]
            for word, number in _MORE.findall(more):
                numbers += range(numbers[-1] + 1, int(number) + 1) if word == "to" else [int(number)]
            for each in numbers:
                found.setdefault(each, []).append(name)
    for name, others in SHOWN_BY.items():
        for each in others:
            found.setdefault(each, []).append(name)
    return found


def table() -> list[str]:
    """A row for each."""
    return [
        f"| {pain.number} | {pain.group} | {pain.link}: {pain.text} | {_answer(pain.number)} |"
        for pain in pains()
    ]


def _answer(number: int) -> str:
    if tests := shown().get(number):
        return "<br>".join(f"`{name}`" for name in tests)
    return NOT_OURS.get(number, "?")
