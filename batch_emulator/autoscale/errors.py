"""What can be wrong with a formula: before it is evaluated (FormulaError) and while it is (EvaluationError).

FormulaError                 the formula is refused; nothing was evaluated
├── FormulaTooLong           more than 8192 characters or 100 statements
├── FormulaSyntaxError       not a formula: a stray character, a missing bracket
├── FormulaNameError         a name that does not exist, is not assigned yet, or must not be assigned
└── FormulaTypeError         a value of the wrong type, a wrong number of arguments
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

_SHOWN_WIDTH = 100


class Position(NamedTuple):
    """A place in a formula.

    Parameters:
        line: line number, from 1.
        column: character in the line, from 1.
    """

    line: int
    column: int

    def __str__(self) -> str:
        return f"Line {self.line}, Col {self.column}"


class FormulaError(ValueError):
    """A formula that Azure Batch would refuse.

    Parameters:
        message: what is wrong, one sentence.
        position: where.
        remedy: what would be right, one sentence.
    """

    code: ClassVar[str] = "AutoScalingFormulaSyntaxError"
    """The service's error code for a request with this formula."""

    def __init__(self, message: str, position: Position, remedy: str) -> None:
        super().__init__(message, position, remedy)
        self.message = message
        self.position = position
        self.remedy = remedy

    @property
    def line(self) -> int:
        """Line number, from 1."""
        return self.position.line

    @property
    def column(self) -> int:
        """Column in the line, from 1."""
        return self.position.column

    def __str__(self) -> str:
        return f"{self.position}: {self.message} {self.remedy}"

    def explain(self, text: str) -> str:
        """Show the faulty line with a caret under the fault, and what would be right.

        Parameters:
            text: the formula that was parsed.

        Returns:
            Four lines: what happened, the formula's line, the caret, the next step.
        """
        shown, caret = _excerpt(text, self.position)
        return f"{self.position}: {self.message}\n  {shown}\n  {' ' * caret}^\n{self.remedy}"


class FormulaTooLong(FormulaError):  # noqa: N818 (the service's own name of this error)
    """The formula exceeds a limit of the service."""

    code = "AutoScalingFormulaTooLong"


class FormulaSyntaxError(FormulaError):
    """The text is not a formula."""


class FormulaNameError(FormulaError):
    """A name is unknown, not assigned yet, or read-only."""


class FormulaTypeError(FormulaError):
    """An operator, function or method does not take these operands."""


class NameValue(NamedTuple):
    """One detail of an evaluation error, as in `autoScaleRun.error.values`."""

    name: str
    value: str


class EvaluationError(NamedTuple):
    """Why an evaluation failed, in the shape of the service's `autoScaleRun.error`.

    Parameters:
        code: e.g. `InsufficientSampleData`.
        message: one sentence.
        values: details; the place is in the one named `Message`.
    """

    code: str
    message: str
    values: tuple[NameValue, ...]


class EvaluationFault(Exception):  # noqa: N818 (EvaluationError is the record users see)
    """Ends an evaluation. Raised without a place by values and functions; the evaluator adds it.

    Parameters:
        code: the service's error code.
        summary: the error's message.
        detail: what exactly happened, without the place.
    """

    def __init__(self, code: str, summary: str, detail: str) -> None:
        super().__init__(code, summary, detail)
        self.code = code
        self.summary = summary
        self.detail = detail

    def at(self, position: Position) -> EvaluationError:
        """The record of this fault at a place of the formula."""
        return EvaluationError(self.code, self.summary, (NameValue("Message", f"{position}: {self.detail}"),))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to a mistyped one, or None."""
    import difflib  # needed only when something is wrong, and it costs more than the whole package

    names = list(known)
    for candidate in names:
        if candidate.lower().lstrip("$") == name.lower().lstrip("$"):
            return candidate
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return close[0] if close else None


def _excerpt(text: str, position: Position) -> tuple[str, int]:
    """The line of a place, cut to a readable width, and where in it the caret belongs (from 0)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    line = "".join(character if character.isprintable() else " " for character in line)
    caret = position.column - 1
    start = max(0, caret - _SHOWN_WIDTH // 2)
    end = start + _SHOWN_WIDTH
    before, after = "…" if start else "", "…" if end < len(line) else ""
    return before + line[start:end] + after, caret - start + len(before)
