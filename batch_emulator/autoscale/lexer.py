"""Text of a formula -> tokens with their places.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (formula statements).
"""

import re
from bisect import bisect_right
from enum import Enum
from typing import NamedTuple, NoReturn

from batch_emulator.autoscale.assumptions import BLOCK_COMMENT, NAME, NUMBER
from batch_emulator.autoscale.errors import FormulaSyntaxError, FormulaTooLong, Position

MAX_CHARACTERS = 8192
"""Azure Batch: *Automatically scale compute nodes in a Batch pool*: a formula cannot exceed 8 KB."""


class TokenKind(Enum):
    """What a token is."""

    NUMBER = "a number"
    STRING = "a string"
    NAME = "a name"
    SYMBOL = "a symbol"
    END = "the end of the formula"


class Token(NamedTuple):
    """One word of a formula.

    Parameters:
        kind: what it is.
        text: as written; a string without its quotes.
        position: where it begins.
    """

    kind: TokenKind
    text: str
    position: Position

    def __str__(self) -> str:
        return self.kind.value if self.kind is TokenKind.END else f"`{self.text}`"


_TOKEN = re.compile(
    rf"(?P<space>[ \t\r\n\f\v]+|//[^\r\n]*|{BLOCK_COMMENT})"
    rf"|(?P<number>{NUMBER})(?![\w.$])"
    rf"|(?P<name>{NAME})"
    r'|"(?P<string>[^"\r\n]*)"'
    r"|(?P<symbol>&&|\|\||<=|>=|==|!=|[-+*/<>!?:=;,()]|\.(?!\d))",
    re.DOTALL | re.ASCII,
)
_KINDS = {
    "number": TokenKind.NUMBER,
    "name": TokenKind.NAME,
    "string": TokenKind.STRING,
    "symbol": TokenKind.SYMBOL,
}
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_REMEDIES = {
    '"': 'Close the string with `"` on the same line.',
    "'": "Strings are written in double quotes.",
    "\\": 'Formulas know no escapes: if this one was copied from JSON or code, write `"` for `\\"`.',
    "%": "There is no remainder operator; percentages are plain numbers such as 70.",
    "^": "There is no power operator; multiply instead.",
    "&": "The logical operator is `&&`.",
    "|": "The logical operator is `||`.",
    "\u00a0": "This is a non-breaking space, often pasted from a web page: type a plain space.",
    "\u201c": 'This is a typographic quote: type `"`.',
    "\u201d": 'This is a typographic quote: type `"`.',
    "/": "Close the comment with `*/`, or use `//`.",
    "[": "There are no brackets: make a vector with `vec(…)`, take an element with `val(v, i)`.",
    "{": "There are no blocks: choose between values with `condition ? a : b`.",
}


def tokenize(text: str) -> list[Token]:
    """Split a formula into tokens; the last one is of kind END.

    Parameters:
        text: the formula.

    Raises:
        FormulaTooLong: more than 8192 characters.
        FormulaSyntaxError: a character or number that no formula has.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaTooLong(
            f"The formula has {len(text)} characters; Azure Batch takes {MAX_CHARACTERS}.",
            Position(1, 1),
            "Shorten it: comments and names count too.",
        )
    starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        position = _position(starts, offset)
        match = _TOKEN.match(text, offset)
        if match is None:
            _refuse(text, offset, position)
        # Exactly one group of the pattern takes part in a match.
        group = str(match.lastgroup)
        if group != "space" and not _opens_comment(text, offset):
            tokens.append(Token(_KINDS[group], match[group], position))
        elif group != "space":
            _refuse(text, offset, position)
        offset = match.end()
    return [*tokens, Token(TokenKind.END, "", _end(text, starts))]


def _end(text: str, starts: list[int]) -> Position:
    """After the last character; not on an empty line, where there is nothing to point at."""
    written = len(text.rstrip())
    if written and _position(starts, written).line < _position(starts, len(text)).line:
        return _position(starts, written)
    return _position(starts, len(text))


def _position(starts: list[int], offset: int) -> Position:
    line = bisect_right(starts, offset)
    return Position(line, offset - starts[line - 1] + 1)


def _opens_comment(text: str, offset: int) -> bool:
    # A closed comment is space; one that is still open would be read as `/` and `*`.
    return text.startswith("/*", offset)


def _refuse(text: str, offset: int, position: Position) -> NoReturn:
    character = text[offset]
    if character.isdigit() or (character == "." and text[offset + 1 : offset + 2].isdigit()):
        word = re.compile(r"[\w.$]+").match(text, offset)
        raise FormulaSyntaxError(
            f"`{word[0] if word else character}` is not a number.",
            position,
            "Numbers are plain decimals such as 1 or 0.7; names do not begin with a digit.",
        )
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    remedy = _REMEDIES.get(character, "Formulas consist of names, numbers, strings and operators.")
    raise FormulaSyntaxError(f"`{shown}` has no meaning in a formula.", position, remedy)
