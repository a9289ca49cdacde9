"""From words to a tree: comparisons and ``startswith``, joined by ``and``, ``or`` and parentheses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from batch_emulator.rest.odata.lexer import FilterError, Token, tokens
from batch_emulator.rest.values import parse_time

COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
MAX_DEPTH = 50
MAX_DIGITS = 20

Literal = str | int | bool | datetime


@dataclass(frozen=True)
class Comparison:
    """``property operator value``; ``startswith(property, value)`` is one with that operator."""

    property: str
    operator: str
    value: Literal


@dataclass(frozen=True)
class Junction:
    """Parts joined by ``and``, or by ``or``. However many they are, they are one level."""

    operator: str
    parts: tuple[Expression, ...]


Expression = Comparison | Junction


def parse_filter(text: str) -> Expression:
    """The tree of a filter.

    :raises FilterError: with the reason, for the client to read.
    """
    return _Parser(tokens(text)).whole()


class _Parser:
    def __init__(self, words: Iterator[Token]) -> None:
        self._words = words
        self._next = next(words)
        self._depth = 0

    def whole(self) -> Expression:
        tree = self._either()
        self._take("end")
        return tree

    def _either(self) -> Expression:
        return self._joined("or", self._both)

    def _both(self) -> Expression:
        return self._joined("and", self._term)

    def _joined(self, operator: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self._is_keyword(operator):
            self._advance()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(operator, tuple(parts))

    def _term(self) -> Expression:
        if self._is_mark("("):
            return self._parenthesis()
        name = self._take("name").text
        if name == "startswith":
            return self._startswith()
        operator = self._take("keyword").text
        if operator not in COMPARISONS:
            raise FilterError(f"'{operator}' is not a comparison operator.")
        return Comparison(name, operator, self._literal())

    def _parenthesis(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError("Parentheses are nested too deeply.")
        self._advance()
        tree = self._either()
        self._mark(")")
        self._depth -= 1
        return tree

    def _startswith(self) -> Comparison:
        self._mark("(")
        name = self._take("name").text
        self._mark(",")
        prefix = self._take("string").text
        self._mark(")")
        return Comparison(name, "startswith", prefix)

    def _literal(self) -> Literal:
        word = self._advance()
        if word.kind == "string":
            return word.text
        if word.kind == "number":
            if len(word.text) > MAX_DIGITS:
                raise FilterError(f"The number at position {word.position} is too long.")
            return int(word.text)
        if word.kind == "name" and word.text in ("true", "false"):
            return word.text == "true"
        if word.kind == "time":
            try:
                return parse_time(word.text)
            except ValueError as error:
                raise FilterError(f"'{word.text}' is not a date-time.") from error
        raise FilterError(f"A value is expected at position {word.position}.")

    def _is_keyword(self, text: str) -> bool:
        return self._next.kind == "keyword" and self._next.text == text

    def _is_mark(self, text: str) -> bool:
        return self._next.kind == "mark" and self._next.text == text

    def _mark(self, text: str) -> None:
        if not self._is_mark(text):
            raise FilterError(f"'{text}' is expected at position {self._next.position}.")
        self._advance()

    def _take(self, kind: str) -> Token:
        if self._next.kind != kind:
            raise FilterError(f"Syntax error at position {self._next.position}.")
        return self._advance()

    def _advance(self) -> Token:
        word = self._next
        if word.kind != "end":
            self._next = next(self._words)
        return word
