"""Airflow's four processes as components."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from demo.processes.supervisor import Component
from demo.stack.airflow_client import AirflowClient

__all__ = ["API_SERVER", "COMPONENTS", "DAG_PROCESSOR", "SCHEDULER", "TRIGGERER", "airflow_components"]

API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER = "api-server", "scheduler", "dag-processor", "triggerer"
COMPONENTS = (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER)
_JOB_TYPES = {SCHEDULER: "SchedulerJob", DAG_PROCESSOR: "DagProcessorJob", TRIGGERER: "TriggererJob"}
_PRELOADED = Path(__file__).parent / "preloaded"
_READY_SECONDS = 180.0
_STOP_SECONDS = 10.0


def airflow_components(env: Mapping[str, str], client: AirflowClient) -> list[Component]:
    """The components in the order in which they should start.

    Parameters:
        env: environment of all of them.
        client: used to see whether they are ready.
    """
    return [
        Component(
            name=name,
            argv=(sys.executable, "-m", "airflow", name),
            env=_preloading(env) if name in (SCHEDULER, TRIGGERER) else env,
            readiness=_readiness(name, client),
            ready_seconds=_READY_SECONDS,
            stop_seconds=_STOP_SECONDS,
        )
        for name in COMPONENTS
    ]


def _preloading(env: Mapping[str, str]) -> dict[str, str]:
    """Where processes that fork find their `airflow_local_settings`."""
    path = [env["PYTHONPATH"]] if env.get("PYTHONPATH") else []
    return {**env, "PYTHONPATH": os.pathsep.join([*path, str(_PRELOADED)])}


def _readiness(name: str, client: AirflowClient) -> Callable[[], Callable[[], bool]]:
    if name == API_SERVER:
        return lambda: lambda: bool(client.health())

    def begin() -> Callable[[], bool]:
        # The health endpoint still calls a killed predecessor healthy; only a newer job is the new process.
        started = datetime.now(timezone.utc) - timedelta(milliseconds=1)
        return lambda: client.has_job_since(_JOB_TYPES[name], started)

    return begin
