"""The autoscale formula language of Azure Batch: read a formula, say what is wrong with it, evaluate it.

Pure and without dependencies, so that a formula can be checked wherever it is written:

    formula = parse("$TargetDedicatedNodes = min(10, $PendingTasks);")
    result = evaluate(formula, EvaluationContext(now, samples, 0, 0, Random(1)))

Data flows one way: text -> lexer -> parser -> checker -> Formula -> evaluator -> AutoScaleResult. What public
documents leave open is decided in `assumptions`.

Importing the package loads nothing; each name loads its module when it is first used.
"""

from typing import TYPE_CHECKING

__all__ = [
    "MAX_CHARACTERS",
    "MAX_STATEMENTS",
    "SAMPLE_VARIABLES",
    "AutoScaleResult",
    "EvaluationContext",
    "EvaluationError",
    "Formula",
    "FormulaError",
    "FormulaNameError",
    "FormulaSyntaxError",
    "FormulaTooLong",
    "FormulaTypeError",
    "NameValue",
    "Position",
    "SampleSeries",
    "evaluate",
    "format_formula",
    "parse",
]

if TYPE_CHECKING:
    from batch_emulator.autoscale.checker import parse
    from batch_emulator.autoscale.errors import (
        EvaluationError,
        FormulaError,
        FormulaNameError,
        FormulaSyntaxError,
        FormulaTooLong,
        FormulaTypeError,
        NameValue,
        Position,
    )
    from batch_emulator.autoscale.evaluator import EvaluationContext, evaluate
    from batch_emulator.autoscale.lexer import MAX_CHARACTERS
    from batch_emulator.autoscale.nodes import Formula
    from batch_emulator.autoscale.parser import MAX_STATEMENTS
    from batch_emulator.autoscale.printer import format_formula
    from batch_emulator.autoscale.result import AutoScaleResult
    from batch_emulator.autoscale.samples import SampleSeries
    from batch_emulator.autoscale.variables import SAMPLE_VARIABLES
else:
    _MODULES = {
        "MAX_CHARACTERS": "lexer",
        "MAX_STATEMENTS": "parser",
        "SAMPLE_VARIABLES": "variables",
        "AutoScaleResult": "result",
        "EvaluationContext": "evaluator",
        "Formula": "nodes",
        "SampleSeries": "samples",
        "evaluate": "evaluator",
        "format_formula": "printer",
        "parse": "checker",
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
        globals()[name] = getattr(module, name)
        return globals()[name]
