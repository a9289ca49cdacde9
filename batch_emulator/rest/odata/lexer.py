"""Words of a ``$filter``. Source: Azure Batch REST reference, *OData filters in Batch*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from batch_emulator.rest.assumptions import QUOTE_IN_TEXT

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<time>(?i:datetime)'(?:[^']|'')*')
      | (?P<string>'(?:[^']|'')*')
      | (?P<number>-?\d+)(?![\w.])
      | (?P<name>[A-Za-z_][\w/]*)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
KEYWORDS = frozenset({"and", "or", "eq", "ne", "gt", "ge", "lt", "le"})


class FilterError(ValueError):
    """A filter that cannot be read or is not allowed; the text is the reason given to the client."""


@dataclass(frozen=True)
class Token:
    """A word.

    :param kind: ``time``, ``string``, ``number``, ``name``, ``keyword``, ``mark`` or ``end``.
    :param text: without quotes.
    """

    kind: str
    text: str
    position: int


def tokens(text: str) -> Iterator[Token]:
    """The words of a filter, ending with one of kind ``end``.

    :raises FilterError: at the first character that begins no word.
    """
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise FilterError(f"Syntax error at position {position}.")
        kind, word = match.lastgroup, match[match.lastgroup]
        if kind in ("time", "string"):
            word = word[word.index("'") + 1 : -1].replace(QUOTE_IN_TEXT, "'")
        elif kind == "name" and word in KEYWORDS:
            kind = "keyword"
        yield Token(kind, word, match.start(match.lastgroup))
        position = match.end()
    yield Token("end", "", end)
