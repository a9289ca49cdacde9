"""What a job reads and writes, in OpenLineage's names."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.lineage import DatasetName, facets, inputs_of, outputs_of
from airflow_batch_provider.spec import JobGraph, blob


def graph() -> JobGraph:
    made = JobGraph()
    split = made.task(
        "split",
        "true",
        inputs={
            "book": blob("incoming/book.txt"),
            "more/": blob("https://other.blob.core.windows.net/archive/2026/"),
            "local": blob("http://127.0.0.1:10000/devstoreaccount1/emulated/x"),
        },
        outputs=["part"],
    )
    made.task(
        "count",
        "true",
        inputs={"part": split.output("part"), "book": blob("incoming/book.txt")},
        outputs={
            "total": blob("outgoing/total.txt"),
            "logs/*": blob("abfss://logs@lake.dfs.core.windows.net/"),
        },
    )
    return made


def test_inputs_are_those_from_outside_each_once() -> None:
    assert inputs_of(graph(), "store") == [
        DatasetName("wasbs://archive@other", "2026/"),
        DatasetName("wasbs://emulated@devstoreaccount1", "x"),
        DatasetName("wasbs://incoming@store", "book.txt"),
    ]


def test_outputs_are_those_that_the_author_named() -> None:
    assert outputs_of(graph(), "store") == [
        DatasetName("wasbs://logs@lake", "/"),
        DatasetName("wasbs://outgoing@store", "total.txt"),
    ]


def test_they_have_the_form_that_the_openlineage_provider_asks_for() -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="the OpenLineage provider is not installed")
    told: Any = facets(graph(), StorageSettings("https://store.blob.core.windows.net", "store"))
    assert [(each.namespace, each.name) for each in told.outputs] == [
        ("wasbs://logs@lake", "/"),
        ("wasbs://outgoing@store", "total.txt"),
    ]
    assert len(told.inputs) == 3
    assert facets(None, None).inputs == []
