"""What an evaluation came to, in the words of `autoScaleRun`.

Source: REST API: *Pool - Evaluate Auto Scale*.
"""

from collections.abc import Mapping
from typing import NamedTuple

from batch_emulator.autoscale.assumptions import result_order
from batch_emulator.autoscale.errors import EvaluationError
from batch_emulator.autoscale.values import NodeDeallocationOption, Value, format_value
from batch_emulator.autoscale.variables import DEALLOCATION_OPTION, TARGET_DEDICATED, TARGET_LOW_PRIORITY


class AutoScaleResult(NamedTuple):
    """The outcome of one evaluation.

    Parameters:
        target_dedicated: dedicated nodes the pool should have; None on error: the pool keeps its own.
        target_low_priority: the same for Spot nodes.
        node_deallocation_option: `requeue`, `terminate`, `taskcompletion` or `retaineddata`; None on error.
        results: `$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue`, then the
            formula's own variables. On error only these three, as the pool has them.
        error: why the evaluation failed, or None.
    """

    target_dedicated: int | None
    target_low_priority: int | None
    node_deallocation_option: str | None
    results: str
    error: EvaluationError | None


def succeeded(
    target_dedicated: int,
    target_low_priority: int,
    option: NodeDeallocationOption,
    variables: Mapping[str, Value],
) -> AutoScaleResult:
    """The result of an evaluation that came to its end or to `stop()`.

    Parameters:
        target_dedicated: nodes.
        target_low_priority: nodes.
        option: what becomes of tasks on removed nodes.
        variables: what the formula assigned besides.
    """
    text = _results(target_dedicated, target_low_priority, option, variables)
    return AutoScaleResult(target_dedicated, target_low_priority, option.value, text, None)


def failed(error: EvaluationError, target_dedicated: int, target_low_priority: int) -> AutoScaleResult:
    """The result of an evaluation that failed.

    Parameters:
        error: why.
        target_dedicated: nodes, as the pool has them.
        target_low_priority: nodes, as the pool has them.
    """
    text = _results(target_dedicated, target_low_priority, NodeDeallocationOption.REQUEUE, {})
    return AutoScaleResult(None, None, None, text, error)


def _results(
    target_dedicated: int,
    target_low_priority: int,
    option: NodeDeallocationOption,
    variables: Mapping[str, Value],
) -> str:
    written = {
        TARGET_DEDICATED: str(target_dedicated),
        TARGET_LOW_PRIORITY: str(target_low_priority),
        DEALLOCATION_OPTION: option.value,
    }
    for name in sorted(variables, key=result_order):
        written[name] = format_value(variables[name])
    return ";".join(f"{name}={value}" for name, value in written.items())
