"""Everything the public documents leave open, decided in one place.

Each entry says what is not documented, what we do, and why. When the service is seen to do
otherwise, this is the file to change.
"""

import math
from collections.abc import Callable, Sequence
from datetime import timedelta

# --- text ---------------------------------------------------------------------------------------------

NUMBER = r"\d+(?:\.\d+)?"
"""Exponents, `.5` and `1.` are in no document: refused, for a formula that passes here must pass there."""

NAME = r"\$?[A-Za-z_][A-Za-z0-9_]*"
"""Letters are ASCII letters. Names are case-sensitive and `$` belongs to the name: `x` and `$x` are two."""

BLOCK_COMMENT = r"/\*.*?\*/"
"""Only `//` is documented; comments in this form are accepted as well, nothing depends on them."""

NESTING_LIMIT = 64
"""How deep brackets and operators may nest. The service's own bound is unknown; ours keeps the stack safe."""

# --- operators ----------------------------------------------------------------------------------------

SHORT_CIRCUIT = True
"""`&&` and `||` do not evaluate the right side when the left decides, as in C."""

PRECEDENCE: dict[str, int] = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
}
"""As in C; the documents imply it by their examples."""


def divide(left: float, right: float) -> float:
    """Division by zero gives infinity or NaN, as IEEE 754 has it; only a target must not become one."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


# --- functions ----------------------------------------------------------------------------------------

SUNDAY = 0
"""`.weekday` is documented as 1 for Monday; Sunday is 0 as in .NET, where the name comes from."""

MAX_FRACTION_DIGITS = 7
"""Digits of a second's fraction in `time("…")`. .NET takes seven; a formula with nanoseconds was seen to fail
in the service (nextflow-io/nextflow#3866)."""


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Linear interpolation between the closest ranks; the documents name no method."""
    rank = (len(ordered) - 1) * percent / 100
    low = math.floor(rank)
    high = math.ceil(rank)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def round_half(value: float) -> float:
    """Halves are rounded away from zero, as C does; no document says how."""
    size = math.floor(abs(value))
    return math.copysign(size + (abs(value) - size >= 0.5), value)


def whole(function: Callable[[float], float], value: float) -> float:
    """Rounding leaves infinity and NaN as they are."""
    return float(function(value)) if math.isfinite(value) else value


# --- samples ------------------------------------------------------------------------------------------

SAMPLE_PERIOD = timedelta(seconds=30)
"""Documented: a sample every 30 seconds. Here for it is a default of the same kind as the next."""

SAMPLE_DELAY = timedelta(seconds=30)
"""How old a sample must be before GetSample sees it. Documented: data are available "about one minute" after
an event; half of that is the wait for the next sample. With a whole minute the documented formula that wants
70 % of the samples of 180 seconds could never be satisfied, and a real pool was seen to report 96.6667 % of
15 minutes: one sample of thirty missing."""

SAMPLES_OLDEST_FIRST = True
"""The order of the vector that GetSample returns; no document tells."""

NO_SAMPLE_YET = 0.0
"""A sample variable used as a number while its history is empty. The documented neutral formula
`$TargetDedicatedNodes = $CurrentDedicatedNodes;` must work on a pool that was created this second."""

NUMBER_OBEYS_DELAY = False
"""A sample variable used as a number stands for its newest value, readable for GetSample or not: else the
neutral formula above would shrink a pool that has just grown."""


def possible_samples(span_ticks: int, period_ticks: int) -> int:
    """How many samples a span can hold: whole periods, at least one."""
    return max(1, span_ticks // period_ticks)


# --- results ------------------------------------------------------------------------------------------

EVALUATION_FAILED_CODE = "AutoScalingFormulaEvaluationError"
EVALUATION_FAILED_MESSAGE = "Autoscale evaluation failed"
"""Code and message of errors other than insufficient data; no document lists one."""

INSUFFICIENT_DATA_CODE = "InsufficientSampleData"
INSUFFICIENT_DATA_MESSAGE = "Autoscale evaluation failed due to insufficient sample data"
"""Documented for GetSample with a percentage; also used for functions over an empty vector."""

MAX_TARGET = 2**31 - 1
"""Targets are int32 on the wire; a larger result is cut, quota cuts it further."""

WORK_LIMIT = 2_000_000
"""Vector elements one evaluation may handle, so that `v = vec(v, v)` repeated cannot fill the memory."""


def whole_nodes(value: float) -> int:
    """Nodes for a fractional target: cut (users report 3.8 -> 3, Azure/Batch#151); never below 0."""
    return int(min(max(value, 0.0), float(MAX_TARGET)))


def format_double(value: float) -> str:
    """Six significant digits: a real pool reported `$samples=96.6667`."""
    return f"{value:g}"


def result_order(name: str) -> str:
    """User variables are sorted by character code: names with `$` first, as seen on a real pool."""
    return name
