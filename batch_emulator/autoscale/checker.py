"""What can be known to be wrong before a formula is evaluated: names, argument counts, types.

The language has no branches between statements, so the type of every expression is known.
"""

from collections.abc import Callable, Iterable
from typing import Any

from batch_emulator.autoscale.errors import (
    FormulaError,
    FormulaNameError,
    FormulaTypeError,
    did_you_mean,
)
from batch_emulator.autoscale.functions import (
    COMPONENTWISE,
    FUNCTION_NAMES,
    FUNCTIONS,
    LIST_FUNCTIONS,
    Function,
)
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
from batch_emulator.autoscale.operators import RULES, negated_type, remedy
from batch_emulator.autoscale.parser import parse_text
from batch_emulator.autoscale.samples import METHODS
from batch_emulator.autoscale.timestamps import parse_timestamp
from batch_emulator.autoscale.values import TIMESTAMP_MEMBERS, ValueType
from batch_emulator.autoscale.variables import (
    ASSIGNABLE,
    DEALLOCATION_OPTION,
    DEALLOCATION_WORDS,
    INTERVAL_CONSTANTS,
    READ_ONLY,
    SERVICE_NAMES,
    TARGET_DEDICATED,
    sample_variable,
)

_CONSTANTS: dict[str, ValueType] = {
    **dict.fromkeys(INTERVAL_CONSTANTS, ValueType.TIME_INTERVAL),
    **dict.fromkeys(DEALLOCATION_WORDS, ValueType.DEALLOCATION_OPTION),
}
_VALUES_OF_LISTS = (ValueType.DOUBLE, ValueType.DOUBLE_VEC)


def parse(text: str) -> Formula:
    """Read a formula and check all that can be known before it is evaluated.

    Parameters:
        text: the formula.

    Returns:
        A formula for `evaluate`.

    Raises:
        FormulaTooLong: more than 8192 characters or 100 statements.
        FormulaSyntaxError: not a formula.
        FormulaNameError: a name that is unknown, read before it is assigned, or read-only.
        FormulaTypeError: wrong operands or arguments.
            All are FormulaError, with `.line`, `.column`, `.message`, `.remedy` and `.explain(text)`.
    """
    formula = parse_text(text)
    checker = _Checker(formula)
    for statement in formula.statements:
        checker.check_statement(statement)
    return formula


class _Checker:
    def __init__(self, formula: Formula) -> None:
        self._assigned_somewhere = formula.assigned
        self._types: dict[str, ValueType] = {}
        self._rules: dict[type, Callable[[Any], ValueType]] = {
            Number: lambda _: ValueType.DOUBLE,
            String: lambda _: ValueType.STRING,
            Name: self._name,
            Negation: self._negation,
            Operation: self._operation,
            Conditional: self._conditional,
            Call: self._call,
            Member: self._member,
            MethodCall: self._method_call,
        }

    def check_statement(self, statement: Statement) -> None:
        if not isinstance(statement, Assignment):
            self._type(statement.value)
            return
        _check_assignable(statement)
        kind = self._type(statement.value)
        wanted = ASSIGNABLE.get(statement.name, kind)
        if kind is ValueType.NOTHING or kind is not wanted:
            raise FormulaTypeError(
                f"`{statement.name}` cannot become a {kind.value}.",
                statement.position,
                _assignment_remedy(wanted, kind),
            )
        self._types[statement.name] = kind

    def _type(self, node: Expression) -> ValueType:
        return self._rules[type(node)](node)

    def _name(self, node: Name) -> ValueType:
        known = self._types.get(node.name) or ASSIGNABLE.get(node.name) or _CONSTANTS.get(node.name)
        if known:
            return known
        if node.name in READ_ONLY:
            return ValueType.DOUBLE
        raise self._unknown(node)

    def _unknown(self, node: Name) -> FormulaError:
        if node.name in self._assigned_somewhere:
            return FormulaNameError(
                f"`{node.name}` is read before it is assigned.",
                node.position,
                "Statements run from top to bottom: move its assignment up.",
            )
        known = (*self._types, *SERVICE_NAMES, *_CONSTANTS)
        return FormulaNameError(
            f"`{node.name}` is neither a variable of the service nor assigned above.",
            node.position,
            _suggestion(node.name, known, "Assign it first, or use a variable of the service."),
        )

    def _negation(self, node: Negation) -> ValueType:
        operand = self._type(node.operand)
        kind = negated_type(node.operator, operand)
        if kind is None:
            takes = "a double or a timeinterval" if node.operator == "-" else "a double"
            raise FormulaTypeError(
                f"`{node.operator}` cannot stand before a {operand.value}.",
                node.position,
                f"It takes {takes}.",
            )
        return kind

    def _operation(self, node: Operation) -> ValueType:
        left = self._type(node.first)
        for step in node.steps:
            right = self._type(step.operand)
            rule = RULES.get((step.operator, left, right))
            if rule is None:
                raise FormulaTypeError(
                    f"`{step.operator}` does not work between {left.value} and {right.value}.",
                    step.position,
                    remedy(step.operator, left, right),
                )
            left = rule.result
        return left

    def _conditional(self, node: Conditional) -> ValueType:
        for case in node.cases:
            condition = self._type(case.condition)
            if condition is not ValueType.DOUBLE:
                raise FormulaTypeError(
                    f"The condition before `?` is a {condition.value}, not a double.",
                    case.condition.position,
                    "Compare it with something: zero is false, any other double is true.",
                )
        result = ValueType.NOTHING
        for value in (*(case.value for case in node.cases), node.otherwise):
            kind = self._type(value)
            # A branch that stops has no value, so it agrees with any other.
            if ValueType.NOTHING not in (kind, result) and kind is not result:
                raise FormulaTypeError(
                    f"`? :` chooses between a {result.value} and a {kind.value}.",
                    value.position,
                    "Both sides must be of one type.",
                )
            result = kind if result is ValueType.NOTHING else result
        return result

    def _call(self, node: Call) -> ValueType:
        kinds = [self._type(argument) for argument in node.arguments]
        if node.function in LIST_FUNCTIONS:
            return _list_call(node, kinds)
        if node.function not in FUNCTIONS:
            fallback = "The functions are " + ", ".join(FUNCTION_NAMES) + "."
            raise FormulaNameError(
                f"There is no function `{node.function}`.",
                node.position,
                _suggestion(node.function, FUNCTION_NAMES, fallback),
            )
        function = FUNCTIONS[node.function]
        _check_arguments(node, function, kinds)
        _check_time(node)
        return function.returns

    def _member(self, node: Member) -> ValueType:
        if node.name in METHODS:
            raise FormulaTypeError(
                f"`{node.name}` is a method.", node.position, f"Write {METHODS[node.name].usage}."
            )
        target = self._type(node.target)
        if target is not ValueType.TIMESTAMP or node.name not in TIMESTAMP_MEMBERS:
            members = f"Only a timestamp has members: {', '.join(TIMESTAMP_MEMBERS)}."
            raise FormulaTypeError(
                f"A {target.value} has no member `{node.name}`.",
                node.position,
                _suggestion(node.name, TIMESTAMP_MEMBERS if target is ValueType.TIMESTAMP else (), members),
            )
        return ValueType.DOUBLE

    def _method_call(self, node: MethodCall) -> ValueType:
        method = METHODS.get(node.method)
        if method is None:
            raise FormulaNameError(
                f"There is no method `{node.method}`.",
                node.position,
                _suggestion(node.method, METHODS, f"The methods are {', '.join(METHODS)}."),
            )
        if not isinstance(node.target, Name) or sample_variable(node.target.name) is None:
            self._type(node.target)  # a mistyped name is the better message
            raise FormulaTypeError(
                f"Only the service's sample variables have `{node.method}`.",
                node.position,
                "For instance $PendingTasks, $ActiveTasks, $CPUPercent or $CurrentDedicatedNodes.",
            )
        kinds = tuple(self._type(argument) for argument in node.arguments)
        if not method.takes(kinds):
            given = ", ".join(kind.value for kind in kinds) or "nothing"
            raise FormulaTypeError(
                f"`{node.method}` does not take ({given}).",
                node.position,
                f"Write {method.usage}; start and end are timestamps or timeintervals back from now.",
            )
        return method.returns


def _check_assignable(statement: Assignment) -> None:
    name, position = statement.name, statement.position
    if name in READ_ONLY:
        raise FormulaNameError(
            f"`{name}` is read-only.", position, f"Formulas set {TARGET_DEDICATED} and their own variables."
        )
    if name in _CONSTANTS:
        raise FormulaNameError(f"`{name}` is a word of the language.", position, "Choose another name.")


def _assignment_remedy(wanted: ValueType, kind: ValueType) -> str:
    if wanted is ValueType.DEALLOCATION_OPTION:
        return (
            f"{DEALLOCATION_OPTION} takes one of the words {', '.join(DEALLOCATION_WORDS)}, without quotes."
        )
    if kind is ValueType.DOUBLE_VEC:
        return "Make a double of the doubleVec: `val(v, 0)`, `avg(v)` or `max(v)`."
    if kind is ValueType.NOTHING:
        return "stop() has no value: write it as a statement of its own."
    return f"It takes a {wanted.value}."


def _list_call(node: Call, kinds: list[ValueType]) -> ValueType:
    if not kinds:
        raise FormulaTypeError(
            f"`{node.function}` needs at least one argument.",
            node.position,
            "It takes doubles and doubleVecs, separated by commas.",
        )
    for argument, kind in zip(node.arguments, kinds, strict=True):
        if kind not in _VALUES_OF_LISTS:
            raise FormulaTypeError(
                f"`{node.function}` does not take a {kind.value}.",
                argument.position,
                "It takes doubles and doubleVecs, separated by commas.",
            )
    if node.function in COMPONENTWISE:
        return kinds[0] if len(kinds) == 1 else ValueType.DOUBLE_VEC
    return ValueType.DOUBLE_VEC if node.function == "vec" else ValueType.DOUBLE


def _check_arguments(node: Call, function: Function, kinds: list[ValueType]) -> None:
    if not function.required <= len(kinds) <= len(function.parameters):
        raise FormulaTypeError(
            f"`{node.function}` is called with {len(kinds)} argument(s).",
            node.position,
            f"Write {function.usage}.",
        )
    for argument, kind, wanted in zip(node.arguments, kinds, function.parameters, strict=False):
        if kind is not wanted:
            raise FormulaTypeError(
                f"`{node.function}` is given a {kind.value} where it takes a {wanted.value}.",
                argument.position,
                f"Write {function.usage}.",
            )


def _check_time(node: Call) -> None:
    """A date written out in the formula is either readable or never will be."""
    for argument in node.arguments if node.function == "time" else ():
        if isinstance(argument, String) and parse_timestamp(argument.text) is None:
            raise FormulaTypeError(
                f'"{argument.text}" is not a time.',
                argument.position,
                'Write "2026-01-31T10:00:00Z" or "Sat, 31 Jan 2026 10:00:00 GMT" (a true weekday).',
            )


def _suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    close = did_you_mean(name, known)
    return f"Did you mean `{close}`?" if close else otherwise
