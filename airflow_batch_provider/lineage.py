"""What a job reads and writes, as OpenLineage names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_batch_provider.spec.files import BlobRef

if TYPE_CHECKING:
    from airflow_batch_provider.client.connect.storage_settings import StorageSettings
    from airflow_batch_provider.spec.graph import JobGraph

DATASETS_TOLD = 200
"""Datasets of one side at most: lineage is for people, not a listing."""


@dataclass(frozen=True, order=True)
class DatasetName:
    """A dataset by OpenLineage's naming of Azure blobs: ``wasbs://container@account`` and the blob's name."""

    namespace: str
    name: str


def inputs_of(graph: JobGraph, account: str) -> list[DatasetName]:
    """The blobs that a graph's tasks read, without those that they hand to each other.

    Parameters:
        graph: rendered.
        account: name of the connection's storage account, for blobs that name none.
    """
    sources = (source for spec in graph.specs for _, source in spec.inputs)
    return _named(sources, account)


def outputs_of(graph: JobGraph, account: str) -> list[DatasetName]:
    """The blobs and prefixes that the author gave outputs of tasks."""
    return _named((output.destination for spec in graph.specs for output in spec.outputs), account)


def facets(graph: JobGraph | None, storage: StorageSettings | None) -> Any:
    """The form that Airflow's OpenLineage provider asks for; it is installed when this is called.

    Parameters:
        graph: what ran; None: nothing is known of it.
        storage: the connection's storage account.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    def datasets(names: Iterable[DatasetName]) -> list[Dataset]:
        return [Dataset(namespace=each.namespace, name=each.name) for each in names]

    if graph is None or storage is None:
        return OperatorLineage()
    account = storage.account_name
    return OperatorLineage(
        inputs=datasets(inputs_of(graph, account)), outputs=datasets(outputs_of(graph, account))
    )


def _named(places: Iterable[object], account: str) -> list[DatasetName]:
    names = {_of_blob(place, account) for place in places if isinstance(place, BlobRef)}
    return sorted(names)[:DATASETS_TOLD]


def _of_blob(ref: BlobRef, account: str) -> DatasetName:
    if ref.account_url is not None:
        parts = urlsplit(ref.account_url)
        account = parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
    return DatasetName(f"wasbs://{ref.container}@{account}", ref.name or "/")
