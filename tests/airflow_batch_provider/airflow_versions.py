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

needs_airflow_33 = pytest.mark.skipif(AIRFLOW < (3, 3), reason="of what Airflow has from 3.3 on")


def dag_serialization() -> Any:
    """The class that makes the serialized form of a DAG."""
    from airflow.serialization import serialized_objects

    found = getattr(serialized_objects, "DagSerialization", None)
    return found or serialized_objects.SerializedDAG


__all__ = [
    "AIRFLOW",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "TaskDeferred",
    "dag_serialization",
    "needs_airflow_33",
]
