"""The functions of the formula language.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool* (functions).
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from batch_emulator.autoscale.assumptions import (
    INSUFFICIENT_DATA_CODE,
    INSUFFICIENT_DATA_MESSAGE,
    percentile,
    round_half,
    whole,
)
from batch_emulator.autoscale.errors import EvaluationFault
from batch_emulator.autoscale.timestamps import parse_timestamp
from batch_emulator.autoscale.values import Timestamp, Value, ValueType, Vector, failure

_DOUBLE, _VEC = ValueType.DOUBLE, ValueType.DOUBLE_VEC


class Surroundings(NamedTuple):
    """What functions know besides their arguments.

    Parameters:
        now: the moment of the evaluation.
        random: source of `rand()`.
    """

    now: Timestamp
    random: Random


class Function(NamedTuple):
    """A function with arguments of fixed types.

    Parameters:
        usage: how it is written, for messages.
        parameters: types of the arguments.
        required: how many of them must be given.
        returns: type of the result.
        call: arguments -> result.
    """

    usage: str
    parameters: tuple[ValueType, ...]
    required: int
    returns: ValueType
    call: Callable[[Surroundings, list[Value]], Value]


# --- over a list of doubles and doubleVecs, flattened ---------------------------------------------------


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    """Sample standard deviation; of one value it is 0/0."""
    if len(values) == 1:
        return math.nan
    mean = _mean(values)
    return math.sqrt(sum((value - mean) * (value - mean) for value in values) / (len(values) - 1))


NEEDS_VALUES: dict[str, Callable[[Sequence[float]], float]] = {
    "avg": _mean,
    "max": max,
    "min": min,
    "range": lambda values: max(values) - min(values),
    "std": _deviation,
}
"""Functions that have no answer for an empty list."""

AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    **NEEDS_VALUES,
    "len": lambda values: float(len(values)),
    "norm": lambda values: math.sqrt(sum(value * value for value in values)),
    "sum": lambda values: float(sum(values)),
}
"""list -> double."""


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    def apply(value: float) -> float:
        if value > 0:
            return function(value)
        return -math.inf if value == 0 else math.nan

    return apply


COMPONENTWISE: dict[str, Callable[[float], float]] = {
    "lg": _logarithm(math.log2),
    "ln": _logarithm(math.log),
    "log": _logarithm(math.log10),
    "abs": abs,
    "ceil": lambda value: whole(math.ceil, value),
    "floor": lambda value: whole(math.floor, value),
    "round": lambda value: whole(round_half, value),
}
"""double -> double; any other list -> doubleVec."""

LIST_FUNCTIONS = frozenset({*AGGREGATES, *COMPONENTWISE, "vec"})


def call_list_function(name: str, values: Vector, *, single: bool) -> Value:
    """Call a function that takes a doubleVecList.

    Parameters:
        name: a name in LIST_FUNCTIONS.
        values: the arguments, flattened.
        single: the only argument was a double, not a doubleVec.
    """
    if name == "vec":
        return values
    if name in COMPONENTWISE:
        function = COMPONENTWISE[name]
        return function(values[0]) if single else tuple(map(function, values))
    if not values and name in NEEDS_VALUES:
        raise _no_values(name)
    return AGGREGATES[name](values)


# --- with fixed parameters ------------------------------------------------------------------------------


def _percentile(_: Surroundings, arguments: list[Value]) -> Value:
    vector, percent = arguments
    assert isinstance(vector, tuple)
    assert isinstance(percent, float)
    if not vector:
        raise _no_values("percentile")
    if not 0 <= percent <= 100:
        raise failure(f"percentile takes 0 to 100, not {percent:g}")
    return percentile(sorted(vector), percent)


def _element(_: Surroundings, arguments: list[Value]) -> Value:
    vector, index = arguments
    assert isinstance(vector, tuple)
    assert isinstance(index, float)
    if not vector:
        raise _no_values("val")
    if not 0 <= index < len(vector):
        raise failure(f"val({index:g}) is outside a doubleVec of {len(vector)} elements, counted from 0")
    return vector[int(index)]


def _time(surroundings: Surroundings, arguments: list[Value]) -> Value:
    if not arguments:
        return surroundings.now
    moment = parse_timestamp(str(arguments[0]))
    if moment is None:
        raise failure(f"time() cannot read `{arguments[0]}`")
    return moment


class Stop(Exception):  # noqa: N818 (not an error: the formula asked for it)
    """`stop()` was called."""


def _stop(_: Surroundings, __: list[Value]) -> Value:
    raise Stop


FUNCTIONS: dict[str, Function] = {
    "percentile": Function("percentile(doubleVec v, double p)", (_VEC, _DOUBLE), 2, _DOUBLE, _percentile),
    "rand": Function("rand()", (), 0, _DOUBLE, lambda surroundings, _: surroundings.random.random()),
    "stop": Function("stop()", (), 0, ValueType.NOTHING, _stop),
    "time": Function('time() or time("…")', (ValueType.STRING,), 0, ValueType.TIMESTAMP, _time),
    "val": Function("val(doubleVec v, double i)", (_VEC, _DOUBLE), 2, _DOUBLE, _element),
}

FUNCTION_NAMES: tuple[str, ...] = tuple(sorted({*LIST_FUNCTIONS, *FUNCTIONS}))


def _no_values(name: str) -> EvaluationFault:
    return EvaluationFault(
        INSUFFICIENT_DATA_CODE,
        INSUFFICIENT_DATA_MESSAGE,
        f"Insufficient data: {name} was given no values",
    )
