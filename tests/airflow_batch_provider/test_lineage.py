"""What a job reads and writes, in OpenLineage's names."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.lineage import DatasetName, Lineage, TellsLineage, lineage_of, lineage_of_wire
from airflow_batch_provider.spec import JobGraph, blob

STORE = StorageSettings("https://store.blob.core.windows.net", "store")


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
    assert lineage_of(graph(), STORE).inputs == [
        DatasetName("wasbs://archive@other", "2026/"),
        DatasetName("wasbs://emulated@devstoreaccount1", "x"),
        DatasetName("wasbs://incoming@store", "book.txt"),
    ]


def test_outputs_are_those_that_the_author_named() -> None:
    assert lineage_of(graph(), STORE).outputs == [
        DatasetName("wasbs://logs@lake", "/"),
        DatasetName("wasbs://outgoing@store", "total.txt"),
    ]


def test_a_member_tells_its_own_and_a_connection_without_storage_nothing() -> None:
    split = graph().only([graph().spec("split")])
    assert lineage_of(split, STORE).outputs == []
    assert len(lineage_of(split, STORE).inputs) == 3
    assert lineage_of(graph(), None) == Lineage()


def test_files_in_wire_form_are_told_without_their_sas_if_they_are_blobs() -> None:
    base = "https://store.blob.core.windows.net"
    told = lineage_of_wire(
        [
            {"httpUrl": f"{base}/incoming/a%20b.txt?sv=1&sig=secret", "filePath": "x"},
            {"storageContainerUrl": f"{base}/archive?sig=secret", "blobPrefix": "2026/"},
            {"httpUrl": "https://raw.githubusercontent.com/apache/airflow/LICENSE"},
            {"httpUrl": "http://127.0.0.1:10000/devstoreaccount1/emulated/x"},
            {"httpUrl": f"{base}/$/x"},
            {"autoStorageContainerName": "auto"},
        ],
        [
            {"destination": {"container": {"containerUrl": f"{base}/outgoing?sig=secret", "path": "t.txt"}}},
            {"destination": {}},
        ],
    )
    assert told.inputs == [
        DatasetName("wasbs://archive@store", "2026/"),
        DatasetName("wasbs://emulated@devstoreaccount1", "x"),
        DatasetName("wasbs://incoming@store", "a b.txt"),
    ]
    assert told.outputs == [DatasetName("wasbs://outgoing@store", "t.txt")]


def test_they_have_the_form_that_the_openlineage_provider_asks_for() -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="the OpenLineage provider is not installed")
    operator = TellsLineage()
    assert operator.get_openlineage_facets_on_complete(None).inputs == []
    operator.lineage = lineage_of(graph(), STORE)
    told: Any = operator.get_openlineage_facets_on_complete(None)
    assert [(each.namespace, each.name) for each in told.outputs] == [
        ("wasbs://logs@lake", "/"),
        ("wasbs://outgoing@store", "total.txt"),
    ]
    assert len(told.inputs) == 3
