"""The scripts of the nodes, run by the program that runs them there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
from flights.package import run_script
from flights.schema import COLUMNS

from demo.flights import raw_files
from demo.reckoning import rows_of

DAY, NAME = "2013-02-08", "flights/2013-02-08/LGA.csv"
TABLES = "raw/reference"
OUTPUTS = ("good.parquet", "quarantine.parquet", "counts.json")


def run(script: str, package: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"AZ_BATCH_APP_PACKAGE_duckdb_1_0": str(package), **environment}
    command = run_script(script, "1.0")
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def transform(package: Path, node: Path, text: str | bytes, name: str = NAME) -> dict[str, int]:
    (node / "raw.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    origin = Path(name).stem
    finished = run("transform", package, node, FLIGHT_DAY=DAY, FLIGHT_ORIGIN=origin, FLIGHT_FILE=name)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == ""
    counts = dict(json.loads((node / "counts.json").read_text()))
    assert counts["raw"] == counts["good"] + counts["quarantined"] == rows_of(text, rows()[0])
    lines = counts.pop("lines")
    assert lines in (counts["raw"], counts["raw"] + 1)
    return counts


def merge(package: Path, node: Path, day: Path, texts: dict[str, str]) -> dict[str, Any]:
    """The report of a day of these files."""
    for number, (name, text) in enumerate(texts.items()):
        transform(package, node, text, name)
        part = day / f"transform-{number}"
        part.mkdir(parents=True)
        for output in OUTPUTS:
            shutil.copy(node / output, part / output)
    finished = run("merge", package, day, FLIGHT_DAY=DAY)
    assert finished.returncode == 0, finished.stderr
    return dict(json.loads((day / "report.json").read_text()))


def rows() -> list[str]:
    """The header of the day's file and its rows."""
    return raw_files([DAY])[NAME].splitlines()


def changed(row: str, **values: str) -> str:
    names = [column.name for column in COLUMNS]
    return ",".join(values.get(name, value) for name, value in zip(names, row.split(","), strict=True))


def set_aside(node: Path) -> list[tuple[str, list[str]]]:
    rows = duckdb.read_parquet(str(node / "quarantine.parquet")).fetchall()
    return sorted((row, sorted(reasons)) for _, _, reasons, row in rows)
