"""What it costs a DAG file to import an operator, in a process that has Airflow loaded, as a DAG parse has.

The peer is the official provider's ``AzureBatchOperator``, in an environment of its own. Each import is
measured in fresh processes, in turn, so that a drift of the machine's speed meets all alike, as CPU time, so
that other work on the machine does not count, and from byte code, as in any process but the first.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.table import Row

RUNS = 7
LIMIT = 10.0
"""Milliseconds that an import may cost more than a bare operator."""
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
print(json.dumps([spent * 1000, sum(name.split(".")[0] == "azure" for name in new)]))
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
            ("spec", "JobGraph, blob, shell"),
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


def rows() -> list[Row]:
    """CPU time of each import against the official operator's.

    Raises:
        SystemExit: the peer's environment is missing.
    """
    if not PEERS.exists():
        sys.exit(f"{PEERS} is missing; run `make bench`, which sets it up.")
    figures: dict[str, list[float]] = {case.name: [] for case in CASES}
    for _ in range(RUNS):
        for case in CASES:
            figures[case.name].append(_measure(case))
    bare, *ours, peer = CASES
    theirs = statistics.median(figures[peer.name])
    floor = statistics.median(figures[bare.name])
    rows = []
    for case in ours:
        spent = statistics.median(figures[case.name])
        rows += [
            Row(f"import of {case.name}, CPU", spent, "ms", peer.name, theirs),
            Row(f"{case.name}, over a bare operator", spent - floor, "ms", "limit", LIMIT, at_most=1),
        ]
    return rows


def _measure(case: Case) -> float:
    """Milliseconds of CPU time. :raises RuntimeError: ours imports azure, which is to be imported late."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    printed = subprocess.run(
        [str(case.python), "-c", _MEASURE.format(statement=case.statement)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    spent, azure = json.loads(printed.strip().splitlines()[-1])
    if case.python != PEERS and azure:
        raise RuntimeError(f"{case.name} imports {azure} modules of azure")
    return float(spent)
