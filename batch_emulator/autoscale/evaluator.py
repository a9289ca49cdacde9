"""Formula + context -> result. Takes time for the formula and for the samples it reads, no more.

Source: Azure Batch: *Automatically scale compute nodes in a Batch pool*.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from batch_emulator.autoscale.assumptions import SAMPLE_DELAY, SHORT_CIRCUIT, WORK_LIMIT, whole_nodes
from batch_emulator.autoscale.errors import EvaluationError, EvaluationFault, Position
from batch_emulator.autoscale.functions import (
    FUNCTIONS,
    LIST_FUNCTIONS,
    Stop,
    Surroundings,
    call_list_function,
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
from batch_emulator.autoscale.operators import apply, negate
from batch_emulator.autoscale.result import AutoScaleResult, failed, succeeded
from batch_emulator.autoscale.samples import SampleSeries, SampleVariable
from batch_emulator.autoscale.values import (
    Interval,
    NodeDeallocationOption,
    Timestamp,
    Value,
    failure,
)
from batch_emulator.autoscale.variables import (
    ALIASES,
    ASSIGNABLE,
    DEALLOCATION_OPTION,
    DEALLOCATION_WORDS,
    INTERVAL_CONSTANTS,
    TARGET_DEDICATED,
    TARGET_LOW_PRIORITY,
    TASK_SLOTS_PER_NODE,
    sample_variable,
)

_EMPTY = SampleSeries()


class EvaluationContext(NamedTuple):
    """The pool as a formula sees it.

    Parameters:
        now: the moment of the evaluation, an aware datetime.
        samples: histories by variable name (see SAMPLE_VARIABLES); one left out has no samples. Feed every
            sample at once: what is not readable yet is decided here, by `sample_delay`.
        target_dedicated: current target of dedicated nodes.
        target_low_priority: current target of Spot nodes.
        random: source of `rand()`, so that an evaluation can be repeated.
        task_slots_per_node: the pool's `taskSlotsPerNode`.
        sample_delay: how old a sample must be for GetSample and its kin to see it.
    """

    now: datetime
    samples: Mapping[str, SampleSeries]
    target_dedicated: int
    target_low_priority: int
    random: Random
    task_slots_per_node: int = 1
    sample_delay: timedelta = SAMPLE_DELAY


def evaluate(formula: Formula, context: EvaluationContext) -> AutoScaleResult:
    """Evaluate a formula for a pool. Nothing is applied.

    Parameters:
        formula: from `parse`.
        context: the pool.

    Returns:
        Targets, or the error for which the pool keeps its own.

    Raises:
        ValueError: `context.now` has no time zone.
    """
    evaluation = _Evaluation(context)
    error = evaluation.run(formula)
    if error is not None:
        return failed(error, context.target_dedicated, context.target_low_priority)
    variables = {name: value for name, value in evaluation.variables.items() if name not in ASSIGNABLE}
    option = evaluation.read(DEALLOCATION_OPTION)
    assert isinstance(option, NodeDeallocationOption)
    return succeeded(
        evaluation.nodes(TARGET_DEDICATED), evaluation.nodes(TARGET_LOW_PRIORITY), option, variables
    )


class _Located(Exception):  # noqa: N818 (a fault with its place, on its way out of the tree)
    def __init__(self, error: EvaluationError) -> None:
        super().__init__(error)
        self.error = error


class _Evaluation:
    """The state of one run: what is assigned so far and how much work is left."""

    def __init__(self, context: EvaluationContext) -> None:
        self.variables: dict[str, Value] = {}
        self._surroundings = Surroundings(Timestamp.of(context.now), context.random)
        self._samples = context.samples
        self._delay = Interval.of(context.sample_delay)
        self._given: dict[str, Value] = {
            TARGET_DEDICATED: float(context.target_dedicated),
            TARGET_LOW_PRIORITY: float(context.target_low_priority),
            DEALLOCATION_OPTION: NodeDeallocationOption.REQUEUE,
            TASK_SLOTS_PER_NODE: float(context.task_slots_per_node),
            **INTERVAL_CONSTANTS,
            **DEALLOCATION_WORDS,
        }
        self._work_left = WORK_LIMIT
        self._rules: dict[type, Callable[[Any], Value]] = {
            Number: lambda node: node.value,
            String: lambda node: node.text,
            Name: lambda node: self.read(node.name),
            Negation: lambda node: self._located(
                node.position, negate, node.operator, self._value(node.operand)
            ),
            Operation: self._operation,
            Conditional: self._conditional,
            Call: self._call,
            Member: self._member,
            MethodCall: self._method_call,
        }

    def run(self, formula: Formula) -> EvaluationError | None:
        """Run the statements up to the end or to `stop()`."""
        try:
            for statement in formula.statements:
                self._execute(statement)
        except Stop:
            return None
        except _Located as fault:
            return fault.error
        return None

    def read(self, name: str) -> Value:
        """The value of a variable or constant that the checker knows to exist."""
        name = ALIASES.get(name, name)
        for assigned in (name, *(alias for alias, full in ALIASES.items() if full == name)):
            if assigned in self.variables:
                return self.variables[assigned]
        if name in self._given:
            return self._given[name]
        return self._sample_variable(name).number()

    def nodes(self, target: str) -> int:
        """The number of nodes that a target has come to."""
        value = self.read(target)
        assert isinstance(value, float)
        return whole_nodes(value)

    def _execute(self, statement: Statement) -> None:
        value = self._value(statement.value)
        if not isinstance(statement, Assignment):
            return
        if statement.name in ASSIGNABLE and isinstance(value, float) and not math.isfinite(value):
            fault = failure(f"{statement.name} would become {value:g}: is something divided by zero?")
            raise _Located(fault.at(statement.position))
        self.variables[statement.name] = value

    def _value(self, node: Expression) -> Value:
        return self._rules[type(node)](node)

    def _located(self, position: Position, function: Callable[..., Value], *arguments: object) -> Value:
        """Call something that knows no places; if it fails, say where."""
        try:
            value = function(*arguments)
            if isinstance(value, tuple):
                self._spend(len(value))
        except EvaluationFault as fault:
            raise _Located(fault.at(position)) from None
        return value

    def _spend(self, elements: int) -> None:
        self._work_left -= elements
        if self._work_left < 0:
            raise failure(f"the formula handles more than {WORK_LIMIT} vector elements")

    def _operation(self, node: Operation) -> Value:
        value = self._value(node.first)
        for step in node.steps:
            if SHORT_CIRCUIT and step.operator in ("&&", "||") and bool(value) is (step.operator == "||"):
                value = float(bool(value))
                continue
            value = self._located(step.position, apply, step.operator, value, self._value(step.operand))
        return value

    def _conditional(self, node: Conditional) -> Value:
        for case in node.cases:
            if self._value(case.condition):
                return self._value(case.value)
        return self._value(node.otherwise)

    def _call(self, node: Call) -> Value:
        arguments = [self._value(argument) for argument in node.arguments]
        if node.function not in LIST_FUNCTIONS:
            return self._located(node.position, FUNCTIONS[node.function].call, self._surroundings, arguments)
        return self._located(node.position, self._list_call, node.function, arguments)

    def _list_call(self, function: str, arguments: list[Value]) -> Value:
        elements: list[float] = []
        for argument in arguments:
            if isinstance(argument, tuple):
                self._spend(len(argument))
                elements.extend(argument)
            elif isinstance(argument, float):
                elements.append(argument)
        single = len(arguments) == 1 and isinstance(arguments[0], float)
        return call_list_function(function, tuple(elements), single=single)

    def _member(self, node: Member) -> Value:
        target = self._value(node.target)
        assert isinstance(target, Timestamp)
        return target.member(node.name)

    def _method_call(self, node: MethodCall) -> Value:
        assert isinstance(node.target, Name)
        variable = self._sample_variable(node.target.name)
        arguments = [self._value(argument) for argument in node.arguments]
        return self._located(node.position, variable.call, node.method, arguments)

    def _sample_variable(self, name: str) -> SampleVariable:
        full_name = sample_variable(name) or name
        series = self._samples.get(full_name, _EMPTY)
        return SampleVariable(full_name, series, self._surroundings.now, self._delay)
