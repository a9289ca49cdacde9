"""What Batch work reads and writes, as OpenLineage names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, blob

if TYPE_CHECKING:
    from airflow_batch_provider.client.connect.storage_settings import StorageSettings
    from airflow_batch_provider.spec.graph import JobGraph

DATASETS_TOLD = 200
"""Datasets of one side at most: lineage is for people, not a listing."""


class DatasetName(NamedTuple):
    """A dataset by OpenLineage's naming of Azure blobs: ``wasbs://container@account`` and the blob's name."""

    namespace: str
    name: str


class Lineage(NamedTuple):
    """What was read and what was written."""

    inputs: Sequence[DatasetName] = ()
    outputs: Sequence[DatasetName] = ()


class TellsLineage:
    """An operator that tells the OpenLineage provider which blobs its Batch tasks have read and written.

    ``lineage`` is set when that is known. The listener asks for it in a fork of the worker, where nothing
    can be asked of Airflow any more, such as a connection.
    """

    lineage: Lineage = Lineage()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """The form that Airflow's OpenLineage provider asks for, which is installed when it does; it asks
        so for what has failed too.

        Parameters:
            task_instance: not needed.

        Returns:
            ``airflow.providers.openlineage.extractors.OperatorLineage``.
        """
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        def datasets(names: Iterable[DatasetName]) -> list[Dataset]:
            return [Dataset(namespace=each.namespace, name=each.name) for each in names]

        return OperatorLineage(inputs=datasets(self.lineage.inputs), outputs=datasets(self.lineage.outputs))


def lineage_of(graph: JobGraph, storage: StorageSettings | None) -> Lineage:
    """The blobs that a graph's tasks read from outside and those that the author gave them as outputs.

    What they hand to each other, and what is kept in the job's work area, is no dataset.

    Parameters:
        graph: rendered.
        storage: the connection's storage account, for blobs that name none; without one there is no lineage.
    """
    if storage is None:
        return Lineage()
    sources = (source for spec in graph.specs for _, source in spec.inputs)
    destinations = (output.destination for spec in graph.specs for output in spec.outputs)
    return _lineage(sources, destinations, storage.account_name)


def lineage_of_wire(
    resource_files: Iterable[Mapping[str, Any]], output_files: Iterable[Mapping[str, Any]]
) -> Lineage:
    """The same of files as the service is told of them. Sources that are no blobs are left out, and so is
    every SAS.

    Parameters:
        resource_files: wire models ResourceFile.
        output_files: wire models OutputFile.
    """
    destinations = ((file.get("destination") or {}).get("container") or {} for file in output_files)
    return _lineage(
        (
            _of_url(file.get("httpUrl") or file.get("storageContainerUrl"), file.get("blobPrefix"))
            for file in resource_files
        ),
        (_of_url(each.get("containerUrl"), each.get("path")) for each in destinations),
        "",
    )


def _lineage(read: Iterable[object], written: Iterable[object], account: str) -> Lineage:
    return Lineage(_named(read, account), _named(written, account))


def _named(places: Iterable[object], account: str) -> list[DatasetName]:
    names = {_of_blob(place, account) for place in places if isinstance(place, BlobRef)}
    return sorted(names)[:DATASETS_TOLD]


def _of_blob(ref: BlobRef, account: str) -> DatasetName:
    if ref.account_url is not None:
        parts = urlsplit(ref.account_url)
        account = parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
    return DatasetName(f"wasbs://{ref.container}@{account}", ref.name or "/")


def _of_url(url: str | None, below: str | None) -> BlobRef | None:
    """The blob of a URL, or what is below a container; None of what is no blob."""
    host = urlsplit(url or "").hostname or ""
    # The last is Azurite, by address: the account is in its path.
    if not url or not (".blob." in host or host.replace(".", "").isdigit()):
        return None
    try:
        ref = blob(url.partition("?")[0])
    except SpecError:
        return None
    return BlobRef(ref.container, ref.name or below or "", ref.account_url)
