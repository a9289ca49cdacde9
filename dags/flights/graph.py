"""The Batch job: one task a raw file, all at once, and one a day that puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from airflow_batch_provider.spec import BlobRef, JobGraph, blob
from flights.files import RAW, REFERENCE, RawFile
from flights.package import APPLICATION_ID, run_script

__all__ = ["DAY_OUTPUTS", "STAGING", "flights_graph", "staged"]

STAGING = "staging"
DAY_OUTPUTS = ("flights.parquet", "quarantine.parquet", "report.json")
_OUTPUTS = ("good.parquet", "quarantine.parquet", "counts.json")


def staged(place: str, day: str) -> BlobRef:
    """Where a run puts a day before it is loaded.

    Args:
        place: a prefix of the run's own, so that no two runs write the same blob.
        day: ISO 8601.
    """
    return blob(f"{STAGING}/{place}/{day}/")


def flights_graph(files: Sequence[dict[str, Any]], place: str, version: str) -> JobGraph:
    """The job of some days' raw files.

    Args:
        files: all raw files of the days, see `flights.files.list_raw`.
        place: see `staged`.
        version: of the application package `duckdb`.

    Returns:
        A graph whose tasks `day-<day>` leave the day's rows and counts in `staged(place, day)`.
    """
    graph = JobGraph()
    packages = (f"{APPLICATION_ID}=={version}",)
    reference = {table: blob(table) for table in (f"{RAW}/reference/{name}" for name in REFERENCE)}
    raw = sorted((RawFile(**file) for file in files), key=lambda file: file.name)
    for day, of_day in groupby(raw, key=lambda file: file.day):
        transforms = [
            graph.task(
                f"transform-{day}-{file.origin or f'other-{number}'}",
                run_script("transform", version),
                inputs={"raw.csv": BlobRef(RAW, file.name), **reference},
                outputs=_OUTPUTS,
                environment={
                    "FLIGHT_DAY": day,
                    "FLIGHT_FILE": file.name,
                    **({"FLIGHT_FLAW": file.flaw} if file.flaw else {"FLIGHT_ORIGIN": str(file.origin)}),
                },
                packages=packages,
                max_retries=1,
            )
            for number, file in enumerate(of_day, 1)
        ]
        parts = {f"{task.id}/{name}": task.output(name) for task in transforms for name in _OUTPUTS}
        graph.task(
            f"day-{day}",
            run_script("merge", version),
            inputs=parts,
            outputs={name: staged(place, day) / name for name in DAY_OUTPUTS},
            environment={"FLIGHT_DAY": day},
            packages=packages,
            max_retries=1,
        )
    return graph
