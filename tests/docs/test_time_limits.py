"""The table of time limits tells the defaults that the code has."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.decorators.function_operator import AzureBatchDecoratedOperator
from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.pool_base import PoolActionOperator
from airflow_batch_provider.operators.state_change import StateChangeOperator
from airflow_batch_provider.spec import FixedScale
from airflow_batch_provider.spec.limits import RELEASE_WALL_CLOCK
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "waiting-and-logs.md").read_text("utf-8")
_UNITS = {"minutes": 60, "hour": 3600, "hours": 3600, "days": 86400}


def rows() -> dict[str, tuple[str, str]]:
    """Limit -> its default and who enforces it."""
    table = PAGE.partition("### Time limits")[2].partition("\n### ")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: (row[1], row[5]) for row in cells[2:]}


def told(limit: str) -> str:
    return rows()[limit][0]


def length(text: str) -> timedelta:
    number, unit = re.fullmatch(r"(\d+) (\w+).*", text).groups()  # type: ignore[union-attr]
    return timedelta(seconds=int(number) * _UNITS[unit])


@pytest.mark.parametrize(
    ("owner", "argument", "limit"),
    [
        (AzureBatchDecoratedOperator, "timeout", "`timeout=` of `@task.azure_batch`"),
        (AzureBatchOperator, "start_timeout", "`start_timeout=` of `AzureBatchOperator`"),
        (AzureBatchJobAddTasksOperator, "timeout", "`timeout=` of `AzureBatchJobAddTasksOperator`"),
        (StateChangeOperator, "timeout", "`timeout=` of the operators that end, disable, enable or delete"),
        (PoolActionOperator, "wait_timeout", "`wait_timeout=` of pool operators"),
        (AzureBatchJobOperator, "max_wall_clock", "`max_wall_clock=` of an operator, a group or a function"),
        (AzureBatchJobTaskGroup, "max_wall_clock", "`max_wall_clock=` of an operator, a group or a function"),
        (
            AzureBatchDecoratedOperator,
            "max_wall_clock",
            "`max_wall_clock=` of an operator, a group or a function",
        ),
        (FixedScale, "resize_timeout", "`resize_timeout=` of a pool"),
    ],
)
def test_a_default_is_the_code_s(owner: Any, argument: str, limit: str) -> None:
    made = getattr(owner, "__wrapped__", owner)
    assert inspect.signature(made).parameters[argument].default == length(told(limit))


def test_so_are_those_that_are_no_plain_arguments() -> None:
    minutes = inspect.signature(AzureBatchOperator).parameters["timeout"].default
    assert timedelta(minutes=minutes) == length(told("`timeout=` of `AzureBatchOperator`, in minutes"))
    assert length(told("`max_wall_clock=` of a `JobRelease`")) == RELEASE_WALL_CLOCK
    job = AzureBatchJobOperator(
        task_id="t", pool_id="p", graph=lambda: None, max_wall_clock=timedelta(hours=3)
    )  # type: ignore[arg-type,return-value]
    told_of_job = told("`timeout=` of `AzureBatchJobOperator`, `AzureBatchTaskOperator`")
    assert told_of_job == "`max_wall_clock` and 30 minutes"
    assert job._longest == timedelta(hours=3, minutes=30)


def test_each_is_enforced_by_somebody_who_is_named() -> None:
    assert {enforced.partition(";")[0] for _, enforced in rows().values()} == {"provider", "Batch", "storage"}
