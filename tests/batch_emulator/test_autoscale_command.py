"""`batch-emulator autoscale check`: explained, evaluated, and told apart by the exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.autoscale_command import REFUSED, UNEVALUATED, UNREADABLE
from batch_emulator.cli import main


class Bench:
    """A folder with formulas, and what the command says of them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def check(self, formula: str, metrics: Any = None, *options: str) -> tuple[int, str, str]:
        path = self.folder / "formula.txt"
        path.write_text(formula)
        given = []
        if metrics is not None:
            (self.folder / "metrics.json").write_text(
                metrics if isinstance(metrics, str) else json.dumps(metrics)
            )
            given = ["--metrics", str(self.folder / "metrics.json")]
        status = main(["autoscale", "check", str(path), *given, *options])
        out, err = self._capsys.readouterr()
        return status, out, err


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def test_a_formula_is_evaluated_without_metrics(bench: Bench) -> None:
    status, out, err = bench.check("x = avg($PendingTasks.GetSample(10));\n$TargetDedicatedNodes = x + 2;")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "$TargetDedicatedNodes=2", "$TargetLowPriorityNodes=0", "$NodeDeallocationOption=requeue", "x=0",
    ]  # fmt: skip


def test_metrics_are_numbers_or_samples(bench: Bench) -> None:
    metrics = {
        "metrics": {"$ActiveTasks": 12, "$CPUPercent": [10, 20, 30]},
        "now": "2026-03-02T08:00:00Z",
        "targetLowPriorityNodes": 5,
        "taskSlotsPerNode": 4,
    }
    formula = (
        "$TargetDedicatedNodes = avg($ActiveTasks.GetSample(TimeInterval_Minute * 30)) / $TaskSlotsPerNode;\n"
        "cpu = $CPUPercent; t = time();"
    )
    status, out, _ = bench.check(formula, metrics)
    assert status == 0
    assert "$TargetDedicatedNodes=3\n$TargetLowPriorityNodes=5\n" in out
    assert "2026" in out


def test_an_error_is_shown_where_it_is(bench: Bench) -> None:
    status, out, err = bench.check("$TargetDedicatedNodes = min(1, $PendingTask);")
    assert (status, out) == (REFUSED, "")
    lines = err.splitlines()
    assert lines[0].startswith("Line 1, Col 32:")
    assert lines[2].index("^") == lines[1].index("$PendingTask)")
    assert "$PendingTasks" in lines[3]


def test_as_json(bench: Bench) -> None:
    status, out, _ = bench.check("$TargetDedicatedNodes = 7;", None, "--json")
    found = json.loads(out)
    assert (status, found["valid"], found["targetDedicatedNodes"]) == (0, True, 7)
    status, out, err = bench.check("$TargetDedicatedNodes = ;", None, "--json")
    found = json.loads(out)
    assert (status, found["valid"], found["error"]["line"], err) == (REFUSED, False, 1, "")
    assert found["error"]["code"] == "AutoScalingFormulaSyntaxError"


def test_an_evaluation_that_fails_leaves_the_pool_as_it_is(bench: Bench) -> None:
    formula = "$TargetDedicatedNodes = avg($CPUPercent.GetSample(TimeInterval_Hour, 90));"
    metrics = {"metrics": {"$CPUPercent": [1]}, "targetDedicatedNodes": 4}
    status, out, err = bench.check(formula, metrics)
    assert status == UNEVALUATED
    assert out.startswith("$TargetDedicatedNodes=4\n")
    assert "InsufficientSampleData" in err
    status, out, _ = bench.check(formula, metrics, "--json")
    assert json.loads(out)["error"]["code"] == "InsufficientSampleData"


def test_the_seed_repeats_chance(bench: Bench) -> None:
    results = [bench.check("$TargetDedicatedNodes = 100 * rand();", {"seed": seed})[1] for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def test_a_formula_may_come_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("$TargetDedicatedNodes = 1;"))
    assert main(["autoscale", "check", "-"]) == 0
    assert "$TargetDedicatedNodes=1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ("{", "is not JSON"),
        ([], "must be a JSON object"),
        ({"metric": {}}, "no member 'metric'"),
        ({"metrics": []}, "metrics must be a JSON object"),
        ({"metrics": {"$Nothing": 1}}, "no metric '$Nothing'"),
        ({"metrics": {"$CPUPercent": "1"}}, "$CPUPercent must be a number"),
        ({"metrics": {"$CPUPercent": [1, True]}}, "$CPUPercent must be a number"),
        ({"now": "noon"}, "now is 'noon'"),
        ({"targetDedicatedNodes": -1}, "targetDedicatedNodes must be a whole number"),
        ({"taskSlotsPerNode": 1.5}, "taskSlotsPerNode must be a whole number"),
    ],
)
def test_metrics_that_cannot_be_used_are_named(bench: Bench, metrics: Any, words: str) -> None:
    status, out, err = bench.check("$TargetDedicatedNodes = 1;", metrics)
    assert (status, out) == (UNREADABLE, "")
    assert words in err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autoscale", "check", str(tmp_path / "none")]) == UNREADABLE
    assert "No such file" in capsys.readouterr().err
