"""A formula in its plainest writing: one statement a line, no comments, only the brackets it needs."""

from batch_emulator.autoscale.assumptions import PRECEDENCE
from batch_emulator.autoscale.nodes import (
    Assignment,
    Call,
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
    String,
)

_CONDITIONAL, _NEGATION, _PRIMARY = 0, 7, 8


def format_formula(formula: Formula) -> str:
    """Write a formula in normal form: two formulas that differ in layout only are written alike.

    Parameters:
        formula: from `parse`.

    Returns:
        Text that parses to the same formula.
    """
    return "\n".join(f"{_statement(each)};" for each in formula.statements)


def _statement(statement: Statement) -> str:
    if isinstance(statement, Assignment):
        return f"{statement.name} = {_write(statement.value)}"
    return _write(statement.value)


def _strength(node: Expression) -> int:
    """How strongly an expression holds together: PRECEDENCE, with `? :` below it and values above."""
    if isinstance(node, Conditional):
        return _CONDITIONAL
    if isinstance(node, Operation):
        return PRECEDENCE[node.steps[0].operator]
    return _NEGATION if isinstance(node, Negation) else _PRIMARY


def _within(node: Expression, least: int) -> str:
    """An expression, in brackets where its surroundings would tear it apart."""
    text = _write(node)
    return text if _strength(node) >= least else f"({text})"


def _write(node: Expression) -> str:
    if isinstance(node, Operation):
        return _operation(node)
    if isinstance(node, Conditional):
        cases = [f"{_within(case.condition, 1)} ? {_write(case.value)} : " for case in node.cases]
        return "".join(cases) + _write(node.otherwise)
    if isinstance(node, Negation):
        return node.operator + _within(node.operand, _NEGATION)
    if isinstance(node, Member):
        return f"{_within(node.target, _PRIMARY)}.{node.name}"
    if isinstance(node, MethodCall):
        return f"{_within(node.target, _PRIMARY)}.{node.method}({_list(node.arguments)})"
    if isinstance(node, Call):
        return f"{node.function}({_list(node.arguments)})"
    return _leaf(node)


def _leaf(node: Number | String | Name) -> str:
    if isinstance(node, Name):
        return node.name
    return f'"{node.text}"' if isinstance(node, String) else node.text


def _operation(node: Operation) -> str:
    strength = _strength(node)
    steps = [f" {step.operator} {_within(step.operand, strength + 1)}" for step in node.steps]
    return _within(node.first, strength) + "".join(steps)


def _list(arguments: list[Expression]) -> str:
    return ", ".join(_write(argument) for argument in arguments)
