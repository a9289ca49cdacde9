"""What operators take, give and do.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (operations).
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from batch_emulator.autoscale.assumptions import divide
from batch_emulator.autoscale.values import Interval, Timestamp, Value, ValueType, Vector, failure, type_of

_DOUBLE, _VEC, _STRING = ValueType.DOUBLE, ValueType.DOUBLE_VEC, ValueType.STRING
_TIME, _SPAN = ValueType.TIMESTAMP, ValueType.TIME_INTERVAL

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
}
_COMPARISON: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "!=": operator.ne,
}


class Rule(NamedTuple):
    """One documented use of an operator.

    Parameters:
        result: type of the result.
        apply: left and right value -> result.
    """

    result: ValueType
    apply: Callable[[Any, Any], Value]


Operands = tuple[str, ValueType, ValueType]


def _with_double(function: Callable[[float, float], float]) -> Callable[[Vector, float], Vector]:
    return lambda left, right: tuple(function(element, right) for element in left)


def _with_vector(function: Callable[[float, float], float]) -> Callable[[Vector, Vector], Vector]:
    def apply(left: Vector, right: Vector) -> Vector:
        if len(left) != len(right):
            raise failure(f"vectors of {len(left)} and {len(right)} elements cannot be combined")
        return tuple(map(function, left, right))

    return apply


def _compare(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], float]:
    return lambda left, right: float(function(left, right))


def _compare_ticks(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], float]:
    return lambda left, right: float(function(left.ticks, right.ticks))


def _rules() -> dict[Operands, Rule]:
    rules: dict[Operands, Rule] = {
        ("*", _DOUBLE, _SPAN): Rule(_SPAN, lambda factor, span: span.times(factor)),
        ("*", _SPAN, _DOUBLE): Rule(_SPAN, lambda span, factor: span.times(factor)),
        ("/", _SPAN, _DOUBLE): Rule(_SPAN, lambda span, divisor: span.times(divide(1.0, divisor))),
        ("+", _SPAN, _SPAN): Rule(_SPAN, lambda left, right: Interval(left.ticks + right.ticks)),
        ("-", _SPAN, _SPAN): Rule(_SPAN, lambda left, right: Interval(left.ticks - right.ticks)),
        ("+", _SPAN, _TIME): Rule(_TIME, lambda left, right: Timestamp(left.ticks + right.ticks)),
        ("+", _TIME, _SPAN): Rule(_TIME, lambda left, right: Timestamp(left.ticks + right.ticks)),
        ("-", _TIME, _TIME): Rule(_SPAN, lambda left, right: Interval(left.ticks - right.ticks)),
        ("&&", _DOUBLE, _DOUBLE): Rule(_DOUBLE, lambda left, right: float(left != 0 and right != 0)),
        ("||", _DOUBLE, _DOUBLE): Rule(_DOUBLE, lambda left, right: float(left != 0 or right != 0)),
    }
    for symbol, arithmetic in _ARITHMETIC.items():
        rules[symbol, _DOUBLE, _DOUBLE] = Rule(_DOUBLE, arithmetic)
        rules[symbol, _VEC, _DOUBLE] = Rule(_VEC, _with_double(arithmetic))
        rules[symbol, _VEC, _VEC] = Rule(_VEC, _with_vector(arithmetic))
    for symbol, comparison in _COMPARISON.items():
        for plain in (_DOUBLE, _STRING):
            rules[symbol, plain, plain] = Rule(_DOUBLE, _compare(comparison))
        for timed in (_TIME, _SPAN):
            rules[symbol, timed, timed] = Rule(_DOUBLE, _compare_ticks(comparison))
    return rules


RULES: dict[Operands, Rule] = _rules()
"""Every documented combination; what is not here is refused."""


def apply(symbol: str, left: Value, right: Value) -> Value:
    """The value of `left symbol right`, whose types the checker has accepted."""
    return RULES[symbol, type_of(left), type_of(right)].apply(left, right)


def negate(symbol: str, value: Value) -> Value:
    """The value of `-value` or `!value`."""
    if isinstance(value, Interval):
        return Interval(-value.ticks)
    assert isinstance(value, float), "the checker lets only double and timeinterval be negated"
    return float(value == 0) if symbol == "!" else -value


def negated_type(symbol: str, operand: ValueType) -> ValueType | None:
    """The type of `-x` or `!x`, or None where it is not documented."""
    if operand is _DOUBLE or (symbol == "-" and operand is _SPAN):
        return operand
    return None


def remedy(symbol: str, left: ValueType, right: ValueType) -> str:
    """What to write where `left symbol right` has no meaning."""
    if symbol == "-" and (left, right) == (_TIME, _SPAN):
        return "Add a negative timeinterval instead: `t + -TimeInterval_Hour`."
    if (left, right) == (_DOUBLE, _VEC) and symbol in _ARITHMETIC:
        return "The doubleVec goes to the left of the operator; `val(v, 0)` or `avg(v)` make a double of it."
    if _VEC in (left, right):
        return "Make a double of the doubleVec first: `val(v, 0)`, `avg(v)` or `max(v)`."
    uses = [f"{one.value} {op} {other.value}" for op, one, other in RULES if op == symbol]
    return "It takes: " + ", ".join(uses) + "."
