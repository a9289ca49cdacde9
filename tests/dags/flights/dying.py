"""The flights' load in a process of its own, which ends after its n-th step as by a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from airflow.providers.postgres.hooks.postgres import PostgresHook
from azure.core.pipeline.transport import RequestsTransport
from flights import pipeline

__all__ = ["DIED", "Run", "load"]

DIED = 86
"""Exit code of a process that ended so."""

_GIVE_MORE = ("cursor", "copy")


@dataclass(frozen=True)
class Run:
    """A run of the load.

    Parameters:
        environment: names the warehouse and has the connections.
        files: raw files as `plan` gives them.
        place: where their days are staged.
        raw, curated: containers of the raw files and of the lake.
        report: file for what the task returns.
    """

    environment: dict[str, str]
    files: list[dict[str, Any]]
    place: str
    raw: str
    curated: str
    report: Path


def load(run: Run, last_step: int = 0) -> None:
    """Run the Airflow task `load`, outside Airflow.

    Every statement, every commit and every request to storage is a step, as is the end of a connection.

    Parameters:
        run: what is loaded.
        last_step: after this one, counted from 1, the process is gone; 0: after none.
    """
    steps = _Steps(last_step)
    os.environ.update(run.environment)
    pipeline.RAW, pipeline.CURATED = run.raw, run.curated
    context = {
        "ti": SimpleNamespace(dag_id="d", xcom_pull=lambda task_ids: run.place),
        "run_id": run.place,
    }
    pipeline._place_of = lambda context, files, tables: run.place
    pipeline.get_current_context = lambda: context  # type: ignore[assignment, return-value]
    _make_mortal(steps)
    done = pipeline.load.function([*run.files], {}, {"job_id": f"job of {run.place}"})
    run.report.write_text(json.dumps(done))


class _Steps:
    def __init__(self, last: int) -> None:
        self._left = last

    def taken(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(DIED)  # nothing is rolled back, closed or written: the database must do without


class _Mortal:
    """A connection or a cursor."""

    def __init__(self, real: Any, steps: _Steps) -> None:
        self._real, self._steps = real, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            result = found(*arguments, **options)
            self._steps.taken()
            return _Mortal(result, self._steps) if name in _GIVE_MORE else result

        return call

    def __enter__(self) -> _Mortal:
        return _Mortal(self._real.__enter__(), self._steps)

    def __exit__(self, *error: Any) -> Any:
        result = self._real.__exit__(*error)
        self._steps.taken()
        return result


def _make_mortal(steps: _Steps) -> None:
    def step_by_step(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = real(*arguments, **options)
            steps.taken()
            return result

        return call

    connect, connected = duckdb.connect, PostgresHook.get_conn
    # One without a file reads Parquet for the warehouse, and leaves nothing.
    duckdb.connect = lambda *path: _Mortal(step_by_step(connect)(*path), steps) if path else connect()
    PostgresHook.get_conn = lambda hook: _Mortal(step_by_step(connected)(hook), steps)  # type: ignore[method-assign, assignment, return-value]
    RequestsTransport.send = step_by_step(RequestsTransport.send)  # type: ignore[method-assign]
