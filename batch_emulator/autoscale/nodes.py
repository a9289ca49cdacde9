"""What a formula consists of, once parsed.

A row of operators and a chain of `? :` are kept flat. So the depth of the tree is the depth of the author's
brackets, and a formula of 8192 characters cannot exhaust the stack of whoever walks it.

Plain classes, written out: a dozen generated ones would be most of the package's import time, and a formula
is checked in every process that parses a DAG.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from batch_emulator.autoscale.errors import Position


class Node:
    """Anything that has a place in the formula."""

    __slots__ = ("position",)

    def __init__(self, position: Position) -> None:
        self.position = position


class Number(Node):
    """A number; `text` is how it was written."""

    __slots__ = ("text", "value")

    def __init__(self, position: Position, text: str, value: float) -> None:
        super().__init__(position)
        self.text = text
        self.value = value


class String(Node):
    """A string, without its quotes."""

    __slots__ = ("text",)

    def __init__(self, position: Position, text: str) -> None:
        super().__init__(position)
        self.text = text


class Name(Node):
    """A variable, a unit constant or a word such as `requeue`; `$` belongs to the name."""

    __slots__ = ("name",)

    def __init__(self, position: Position, name: str) -> None:
        super().__init__(position)
        self.name = name


class Negation(Node):
    """`-x` or `!x`."""

    __slots__ = ("operand", "operator")

    def __init__(self, position: Position, operator: str, operand: "Expression") -> None:
        super().__init__(position)
        self.operator = operator
        self.operand = operand


class Step(Node):
    """An operator and its right side; the left side is everything before it in the row."""

    __slots__ = ("operand", "operator")

    def __init__(self, position: Position, operator: str, operand: "Expression") -> None:
        super().__init__(position)
        self.operator = operator
        self.operand = operand


class Operation(Node):
    """`first op a op b …`: operators of one precedence, applied from left to right."""

    __slots__ = ("first", "steps")

    def __init__(self, position: Position, first: "Expression", steps: list[Step]) -> None:
        super().__init__(position)
        self.first = first
        self.steps = steps


class Case(Node):
    """`condition ? value`; the place is that of the condition."""

    __slots__ = ("condition", "value")

    def __init__(self, position: Position, condition: "Expression", value: "Expression") -> None:
        super().__init__(position)
        self.condition = condition
        self.value = value


class Conditional(Node):
    """`c1 ? a : c2 ? b : otherwise`: the first case whose condition is not zero."""

    __slots__ = ("cases", "otherwise")

    def __init__(self, position: Position, cases: list[Case], otherwise: "Expression") -> None:
        super().__init__(position)
        self.cases = cases
        self.otherwise = otherwise


class Call(Node):
    """`function(arguments)`."""

    __slots__ = ("arguments", "function")

    def __init__(self, position: Position, function: str, arguments: list["Expression"]) -> None:
        super().__init__(position)
        self.function = function
        self.arguments = arguments


class Member(Node):
    """`target.name`; the place is that of the name."""

    __slots__ = ("name", "target")

    def __init__(self, position: Position, target: "Expression", name: str) -> None:
        super().__init__(position)
        self.target = target
        self.name = name


class MethodCall(Node):
    """`target.method(arguments)`; the place is that of the target."""

    __slots__ = ("arguments", "method", "target")

    def __init__(
        self, position: Position, target: "Expression", method: str, arguments: list["Expression"]
    ) -> None:
        super().__init__(position)
        self.target = target
        self.method = method
        self.arguments = arguments


Expression: TypeAlias = (
    Number | String | Name | Negation | Operation | Conditional | Call | Member | MethodCall
)


class Assignment(Node):
    """`name = value`."""

    __slots__ = ("name", "value")

    def __init__(self, position: Position, name: str, value: Expression) -> None:
        super().__init__(position)
        self.name = name
        self.value = value


class Bare(Node):
    """A call, or a choice between calls, whose value goes nowhere, such as `stop()`."""

    __slots__ = ("value",)

    def __init__(self, position: Position, value: Expression) -> None:
        super().__init__(position)
        self.value = value


Statement: TypeAlias = Assignment | Bare


class Formula(NamedTuple):
    """A formula that Azure Batch would take.

    Parameters:
        text: as written.
        statements: in order.
    """

    text: str
    statements: tuple[Statement, ...]

    @property
    def assigned(self) -> frozenset[str]:
        """Names that the formula assigns: whether it sets a target at all, for example."""
        return frozenset(each.name for each in self.statements if isinstance(each, Assignment))


def children(node: Expression) -> Iterator[Expression]:
    """The expressions directly inside an expression."""
    if isinstance(node, Operation):
        yield node.first
        yield from (step.operand for step in node.steps)
    elif isinstance(node, Conditional):
        for case in node.cases:
            yield case.condition
            yield case.value
        yield node.otherwise
    elif isinstance(node, Negation):
        yield node.operand
    elif isinstance(node, Call):
        yield from node.arguments
    elif isinstance(node, MethodCall):
        yield node.target
        yield from node.arguments
    elif isinstance(node, Member):
        yield node.target
