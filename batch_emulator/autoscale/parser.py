"""Tokens -> tree. Whether names and types make sense is the checker's business."""

from batch_emulator.autoscale.assumptions import NESTING_LIMIT, PRECEDENCE
from batch_emulator.autoscale.errors import FormulaSyntaxError, FormulaTooLong, Position
from batch_emulator.autoscale.lexer import Token, TokenKind, tokenize
from batch_emulator.autoscale.nodes import (
    Assignment,
    Bare,
    Call,
    Case,
    Conditional,
    Expression,
    Formula,
    Member,
    MethodCall,
    Name,
    Negation,
    Number,
    Operation,
    Statement,
    Step,
    String,
    children,
)

MAX_STATEMENTS = 100
"""Azure Batch: *Automatically scale compute nodes in a Batch pool*: up to 100 statements."""

_STATEMENT_REMEDY = "A statement is an assignment, `name = value`; statements end with `;`."


def parse_text(text: str) -> Formula:
    """Read a formula without checking its names and types.

    Parameters:
        text: the formula.

    Raises:
        FormulaTooLong: over 8192 characters or 100 statements.
        FormulaSyntaxError: not a formula.
    """
    return Formula(text, tuple(_Parser(tokenize(text)).statements()))


class _Parser:
    """Reads from left to right, one token ahead."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._nesting = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    @property
    def _at_end(self) -> bool:
        return self._next.kind is TokenKind.END

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _sees(self, *symbols: str) -> bool:
        return self._next.kind is TokenKind.SYMBOL and self._next.text in symbols

    def _takes(self, symbol: str) -> bool:
        if self._sees(symbol):
            self._index += 1
            return True
        return False

    def _expect(self, symbol: str, purpose: str) -> None:
        if not self._takes(symbol):
            raise _unexpected(self._next, f"Expected `{symbol}` {purpose}.")

    # --- statements

    def statements(self) -> list[Statement]:
        """All statements of the formula."""
        found: list[Statement] = []
        while not self._at_end:
            if len(found) == MAX_STATEMENTS:
                raise FormulaTooLong(
                    f"The formula has more than {MAX_STATEMENTS} statements.",
                    self._next.position,
                    "Join some: a value that is used once needs no variable.",
                )
            found.append(self._statement())
            if not self._at_end:
                self._expect(";", "between statements, or an operator")
        if not found:
            raise _unexpected(self._next, "The formula has no statement, e.g. `$TargetDedicatedNodes = 1;`.")
        return found

    def _statement(self) -> Statement:
        start = self._next
        following = self._tokens[self._index + 1]  # at least the end
        if start.kind is TokenKind.NAME and following.kind is TokenKind.SYMBOL and following.text == "=":
            self._index += 2
            value = self._expression()
            _check_depth(value, start.position)
            return Assignment(start.position, start.text, value)
        if self._sees(";", "="):
            raise _unexpected(start, _STATEMENT_REMEDY)
        value = self._expression()
        _check_depth(value, start.position)
        if self._sees("="):
            raise _unexpected(self._next, "Only a plain name can be assigned; equality is `==`.")
        if not isinstance(value, Call | Conditional):
            raise FormulaSyntaxError("This statement assigns nothing.", start.position, _STATEMENT_REMEDY)
        return Bare(start.position, value)

    # --- expressions

    def _expression(self) -> Expression:
        """A chain of `? :`, or what stands where one could."""
        start = self._next.position
        self._nesting += 1
        if self._nesting > NESTING_LIMIT:
            raise _too_deep(start)
        condition = self._row()
        cases: list[Case] = []
        while self._takes("?"):
            value = self._expression()
            self._expect(":", "and the value for the other case, after `?`")
            cases.append(Case(condition.position, condition, value))
            condition = self._row()
        self._nesting -= 1
        if not cases:
            return condition
        if isinstance(condition, Conditional):
            # `a ? b : (c ? d : e)` means the same without its brackets.
            return Conditional(start, cases + condition.cases, condition.otherwise)
        return Conditional(start, cases, condition)

    def _row(self) -> Expression:
        """Operands and the operators between them, joined by precedence."""
        operands = [self._operand()]
        waiting: list[Token] = []
        while self._sees(*PRECEDENCE):
            operator = self._take()
            while waiting and PRECEDENCE[waiting[-1].text] >= PRECEDENCE[operator.text]:
                _join(operands, waiting.pop())
            waiting.append(operator)
            operands.append(self._operand())
        while waiting:
            _join(operands, waiting.pop())
        return operands[0]

    def _operand(self) -> Expression:
        signs: list[Token] = []
        while self._sees("-", "!"):
            signs.append(self._take())
        value = self._primary()
        while self._takes("."):
            value = self._after_dot(value)
        for sign in reversed(signs):
            value = Negation(sign.position, sign.text, value)
        return value

    def _after_dot(self, target: Expression) -> Expression:
        name = self._take()
        if name.kind is not TokenKind.NAME:
            raise _unexpected(
                name, "After `.` stands a member such as `hour` or a method such as `GetSample(…)`."
            )
        if self._takes("("):
            return MethodCall(target.position, target, name.text, self._arguments())
        return Member(name.position, target, name.text)

    def _primary(self) -> Expression:
        token = self._take()
        if token.kind is TokenKind.NUMBER:
            return Number(token.position, token.text, _number(token))
        if token.kind is TokenKind.STRING:
            return String(token.position, token.text)
        if token.kind is TokenKind.NAME:
            if self._takes("("):
                return Call(token.position, token.text, self._arguments())
            return Name(token.position, token.text)
        if token.kind is TokenKind.SYMBOL and token.text == "(":
            value = self._expression()
            self._expect(")", "to close the bracket")
            return value
        raise _unexpected(token, "A value belongs here: a number, a variable, a function or `(…)`.")

    def _arguments(self) -> list[Expression]:
        if self._takes(")"):
            return []
        arguments = [self._expression()]
        while self._takes(","):
            arguments.append(self._expression())
        self._expect(")", "or `,` in the arguments")
        return arguments


def _join(operands: list[Expression], operator: Token) -> None:
    """Replace the last two operands by their operation; a row of one precedence stays one operation."""
    right = operands.pop()
    left = operands.pop()
    step = Step(operator.position, operator.text, right)
    if isinstance(left, Operation) and PRECEDENCE[left.steps[0].operator] == PRECEDENCE[operator.text]:
        left.steps.append(step)
        operands.append(left)
    else:
        operands.append(Operation(left.position, left, [step]))


def _number(token: Token) -> float:
    value = float(token.text)
    if value == float("inf"):
        raise FormulaSyntaxError(
            "The number is larger than a double can hold.", token.position, "Shorten it."
        )
    return value


def _check_depth(root: Expression, position: Position) -> None:
    """Refuse a tree that whoever walks it by recursion could not finish. Itself without recursion."""
    level: list[Expression] = [root]
    for _ in range(NESTING_LIMIT):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise _too_deep(level[0].position if level else position)


def _too_deep(position: Position) -> FormulaSyntaxError:
    return FormulaSyntaxError(
        f"The expression is nested more than {NESTING_LIMIT} levels deep.",
        position,
        "Assign a part of it to a variable first.",
    )


def _unexpected(token: Token, remedy: str) -> FormulaSyntaxError:
    what = "The formula ends too early." if token.kind is TokenKind.END else f"{token} is not expected here."
    return FormulaSyntaxError(what, token.position, remedy)
