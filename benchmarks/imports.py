"""What it costs a DAG file to import an operator, in a process that has Airflow loaded, as a DAG parse has.

The peer is the official provider's ``AzureBatchOperator``, in an environment of its own. Each import is
measured in fresh processes, in turn, so that a drift of the machine's speed meets all alike, and as CPU time,
so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RUNS = 7
PEERS = Path(".venv.bench/bin/python")

_MEASURE = """
import json, sys, time
import airflow.sdk
import airflow.triggers.base
from airflow.sdk import DAG, Asset, BaseHook, BaseOperator
with DAG("warm"):
    BaseOperator(task_id="warm")
before = set(sys.modules)
begin = time.process_time()
{statement}
spent = time.process_time() - begin
new = set(sys.modules) - before
print(json.dumps([spent * 1000, len(new), sum(name.split(".")[0] == "azure" for name in new)]))
"""


@dataclass(frozen=True)
class Case:
    """An import to measure, and where."""

    name: str
    statement: str
    python: Path = Path(sys.executable)


OURS = "from airflow_batch_provider.{module} import {name}"
CASES = (
    Case(
        "a bare operator class",
        "class Bare(BaseOperator):\n    def execute(self, context): ...\nBare(task_id='x', dag=DAG('d'))",
    ),
    *(
        Case(name, OURS.format(module=module, name=name))
        for module, name in (
            ("operators.job", "AzureBatchJobOperator"),
            ("operators.pool", "AzureBatchPoolOperator"),
            ("operators.blob_claim", "AzureBlobClaimOperator"),
            ("triggers.blob_events", "BlobCreatedTrigger"),
        )
    ),
    Case(
        "official AzureBatchOperator",
        "from airflow.providers.microsoft.azure.operators.batch import AzureBatchOperator",
        PEERS,
    ),
)


def main() -> None:
    """Print the table.

    Raises:
        SystemExit: the peer's environment is missing.
    """
    if not PEERS.exists():
        sys.exit(f"{PEERS} is missing; run `make bench`, which sets it up.")
    figures: dict[str, list[tuple[float, int, int]]] = {case.name: [] for case in CASES}
    for _ in range(RUNS):
        for case in CASES:
            figures[case.name].append(_measure(case))
    peer = statistics.median(spent for spent, _, _ in figures[CASES[-1].name])
    print(f"Import cost in a warm process, CPU time, median of {RUNS} fresh processes each")
    print(f"{'import':32}{'ms':>9}{'modules':>9}{'azure':>7}{'of official':>13}")
    for name, runs in figures.items():
        spent = statistics.median(run[0] for run in runs)
        print(f"{name:32}{spent:9.1f}{runs[0][1]:9}{runs[0][2]:7}{spent / peer:13.4f}")


def _measure(case: Case) -> tuple[float, int, int]:
    printed = subprocess.run(
        [str(case.python), "-c", _MEASURE.format(statement=case.statement)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    spent, modules, azure = json.loads(printed.strip().splitlines()[-1])
    return spent, modules, azure
