"""`batch-emulator autoscale check`: what is wrong with a formula, or what it comes to."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

    from batch_emulator.autoscale import AutoScaleResult, FormulaError

__all__ = ["REFUSED", "UNEVALUATED", "UNREADABLE", "add_parser"]

REFUSED, UNEVALUATED, UNREADABLE = 1, 3, 4
_PERIOD = timedelta(seconds=30)
_CONSTANT_SAMPLES = 120
_MAX_SAMPLES = 100_000
_METRICS_HELP = """\
The metrics are one JSON object; all of it is optional:
  {"metrics": {"$ActiveTasks": 12, "$CPUPercent": [80, 85, 90]},
   "now": "2026-03-02T08:00:00Z", "targetDedicatedNodes": 2, "targetLowPriorityNodes": 0,
   "taskSlotsPerNode": 1, "seed": 0}
A number is what the metric was for the last hour; a list are its samples, 30 seconds apart, the last one now.
A metric that is not named was 0.
"""
_EPILOG = f"""\
{_METRICS_HELP}
Exit status: 0 when the formula is evaluated, {REFUSED} when the service would refuse it, {UNEVALUATED} when
its evaluation fails (the pool would keep its size), {UNREADABLE} when a file cannot be used.
"""


class _MetricsError(ValueError):
    """Metrics that cannot be used; the text names the place."""


@dataclass(frozen=True)
class _Metrics:
    """The pool as the formula is to see it."""

    series: dict[str, tuple[float, ...]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    target_dedicated: int = 0
    target_low_priority: int = 0
    task_slots_per_node: int = 1
    seed: int = 0


def add_parser(subparsers: SubParsers) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("autoscale", help="autoscale formulas")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="explain a formula's errors, or evaluate it",
        description="Explain a formula's errors with line and caret, or evaluate it and print its variables.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("file", metavar="FILE", help="the formula; - reads it from standard input")
    check.add_argument("--metrics", type=Path, metavar="JSON", help="file with the pool's metrics")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from batch_emulator.autoscale import FormulaError, parse

    try:
        text = _read(arguments.file)
        metrics = _load(arguments.metrics) if arguments.metrics else _Metrics()
    except _MetricsError as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    try:
        formula = parse(text)
    except FormulaError as error:
        return _refused(error, text, as_json=arguments.json)
    return _evaluated(_evaluate(formula, metrics), as_json=arguments.json)


def _refused(error: FormulaError, text: str, *, as_json: bool) -> int:
    if as_json:
        found = {
            "code": error.code,
            "message": error.message,
            "line": error.line,
            "column": error.column,
            "remedy": error.remedy,
        }
        _say(json.dumps({"valid": False, "error": found}))
    else:
        sys.stderr.write(f"{error.explain(text)}\n")
    return REFUSED


def _evaluated(result: AutoScaleResult, *, as_json: bool) -> int:
    error = result.error
    if as_json:
        found: dict[str, Any] = {
            "valid": True,
            "results": result.results,
            "targetDedicatedNodes": result.target_dedicated,
            "targetLowPriorityNodes": result.target_low_priority,
            "nodeDeallocationOption": result.node_deallocation_option,
        }
        if error is not None:
            values = [value._asdict() for value in error.values]
            found["error"] = {"code": error.code, "message": error.message, "values": values}
        _say(json.dumps(found))
    else:
        _say(*result.results.split(";"))
        if error is not None:
            details = "".join(f"\n{value.name}: {value.value}" for value in error.values)
            sys.stderr.write(f"{error.code}: {error.message}{details}\n")
    return 0 if error is None else UNEVALUATED


def _evaluate(formula: Any, metrics: _Metrics) -> AutoScaleResult:
    from random import Random

    from batch_emulator.autoscale import SAMPLE_VARIABLES, EvaluationContext, SampleSeries, evaluate

    idle = (0.0,) * _CONSTANT_SAMPLES
    samples = {}
    for name in SAMPLE_VARIABLES:
        values = metrics.series.get(name, idle)
        first = metrics.now - _PERIOD * (len(values) - 1)
        samples[name] = SampleSeries(
            ((first + _PERIOD * place, value) for place, value in enumerate(values)), _PERIOD
        )
    return evaluate(
        formula,
        EvaluationContext(
            now=metrics.now,
            samples=samples,
            target_dedicated=metrics.target_dedicated,
            target_low_priority=metrics.target_low_priority,
            random=Random(metrics.seed),  # noqa: S311 - repeatable, not secret
            task_slots_per_node=metrics.task_slots_per_node,
        ),
    )


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except OSError as error:
        raise _MetricsError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise _MetricsError(f"{name} cannot be read: it is not UTF-8.") from None


def _load(path: Path) -> _Metrics:
    try:
        value = json.loads(_read(str(path)))
    except (json.JSONDecodeError, RecursionError) as error:
        raise _MetricsError(f"{path} is not JSON: {error}.") from None
    try:
        return _parse(value)
    except _MetricsError as error:
        raise _MetricsError(f"{path}: {error}") from None


def _parse(value: Any) -> _Metrics:
    known = ("metrics", "now", "targetDedicatedNodes", "targetLowPriorityNodes", "taskSlotsPerNode", "seed")
    if not isinstance(value, dict):
        raise _MetricsError("It must be a JSON object.")
    for name in value:
        if name not in known:
            raise _MetricsError(f"There is no member '{name}', only {', '.join(known)}.")
    return _Metrics(
        series=_series(value.get("metrics", {})),
        now=_time(value["now"]) if "now" in value else datetime.now(timezone.utc),
        target_dedicated=_whole(value, "targetDedicatedNodes", 0),
        target_low_priority=_whole(value, "targetLowPriorityNodes", 0),
        task_slots_per_node=_whole(value, "taskSlotsPerNode", 1),
        seed=_whole(value, "seed", 0),
    )


def _series(value: Any) -> dict[str, tuple[float, ...]]:
    from batch_emulator.autoscale import SAMPLE_VARIABLES

    if not isinstance(value, dict):
        raise _MetricsError("metrics must be a JSON object.")
    found = {}
    for name, given in value.items():
        if name not in SAMPLE_VARIABLES:
            raise _MetricsError(f"There is no metric '{name}'; there are {', '.join(SAMPLE_VARIABLES)}.")
        values = given if isinstance(given, list) else [given] * _CONSTANT_SAMPLES
        if len(values) > _MAX_SAMPLES or not all(map(_is_number, values)):
            raise _MetricsError(f"{name} must be a number, or a list of at most {_MAX_SAMPLES} numbers.")
        found[name] = tuple(map(float, values))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _time(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise _MetricsError(f"now is {value!r}, but must be a time such as 2026-03-02T08:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _whole(value: dict[str, Any], name: str, default: int) -> int:
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise _MetricsError(f"{name} must be a whole number, 0 or more.")
    return found


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
