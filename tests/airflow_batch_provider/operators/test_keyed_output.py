"""Operators that return entries serve each of them."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from airflow.sdk import BaseOperator

import airflow_batch_provider
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.operators.task import AzureBatchTaskOperator

MARK = 'Returns (XCom): ``{"'


def told_to_return_entries() -> list[type]:
    classes = {
        value
        for folder in ("operators", "sensors", "task_groups")
        for module in pkgutil.iter_modules([f"{airflow_batch_provider.__path__[0]}/{folder}"])
        for value in vars(importlib.import_module(f"airflow_batch_provider.{folder}.{module.name}")).values()
        if isinstance(value, type(BaseOperator)) and MARK in (value.__doc__ or "")
    }
    return sorted(classes, key=lambda each: each.__name__)


def test_there_are_such_operators() -> None:
    assert len(told_to_return_entries()) >= 7


@pytest.mark.parametrize("kind", told_to_return_entries())
def test_an_operator_that_returns_entries_serves_them(kind: type) -> None:
    assert issubclass(kind, KeyedOutput)


def test_who_wants_the_whole_alone_says_so() -> None:
    def made(**arguments: bool) -> AzureBatchTaskOperator:
        return AzureBatchTaskOperator(task_id="t", pool_id="p", command="true", **arguments)  # type: ignore[arg-type]

    assert made().multiple_outputs
    assert not made(multiple_outputs=False).multiple_outputs
