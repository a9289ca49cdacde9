"""What lies elsewhere in older versions of Airflow, for tests that run with all of them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])

if AIRFLOW >= (3, 2):
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferred,
    )
else:
    from airflow.exceptions import (
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferred,
    )

IMPORT_TAKES_LOGGING_OVER = AIRFLOW < (3, 2)
"""Whether an import of Airflow makes it write the log of the process, to its stderr."""

needs_airflow_33 = pytest.mark.skipif(AIRFLOW < (3, 3), reason="of what Airflow has from 3.3 on")


def without_other_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no connections but those of the environment.

    Before 3.2 Airflow asks the supervisor of the task for others, also where there is none.
    """
    if AIRFLOW >= (3, 2):
        return
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse

    class Supervisor:
        def send(self, message: Any) -> ErrorResponse:
            return ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND)

        async def asend(self, message: Any) -> ErrorResponse:
            return self.send(message)

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)


def dag_serialization() -> Any:
    """The class that makes the serialized form of a DAG."""
    from airflow.serialization import serialized_objects

    found = getattr(serialized_objects, "DagSerialization", None)
    return found or serialized_objects.SerializedDAG


__all__ = [
    "AIRFLOW",
    "IMPORT_TAKES_LOGGING_OVER",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "TaskDeferred",
    "dag_serialization",
    "needs_airflow_33",
    "without_other_connections",
]
