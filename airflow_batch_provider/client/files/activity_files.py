"""What a custom activity of Data Factory has in storage: its definition, its program, its own output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.files.task_results import parse_result
from airflow_batch_provider.spec.activity_secrets import secrets_in
from airflow_batch_provider.spec.custom_activity import (
    CUSTOM_OUTPUT_BYTES,
    DEFINITION_FILES,
    OUTPUTS_FILE,
    TASK_ID,
    program_files,
)
from airflow_batch_provider.spec.files import BlobRef, blob

if TYPE_CHECKING:
    from airflow_batch_provider.client.files.storage import StorageAccess

DEFINITION_BYTES = 10_000_000
"""Read of one definition at most; one that is longer counts as one that cannot be read."""


class ActivityFiles:
    """The files of one activity run.

    Parameters:
        storage: the account of the Airflow connection.
        container: where runs of activities are kept.
        run: names this run; the same for all its tries.
    """

    def __init__(self, storage: StorageAccess, container: str, run: str) -> None:
        self._storage = storage
        self._container = container
        self._prefix = f"runtime/{run}"

    def definition(self, name: str) -> BlobRef:
        """Where one of the definition's files is."""
        return BlobRef(self._container, f"{self._prefix}/{name}")

    def write(self, files: Mapping[str, str]) -> None:
        """Put the definition where the node will find it."""
        with self._storage.explained():
            self._storage.ensure_container(self._container)
            for name, text in files.items():
                self._storage.upload_blob(self._container, self.definition(name).name, text)

    def delete(self, **options: Any) -> None:
        """Delete the definition, which may hold secrets; one that is not there is no matter.

        Parameters:
            options: of a request of azure-core, such as ``read_timeout``.

        Raises:
            BatchRequestError: storage refused, or did not answer.
        """
        from azure.core.exceptions import ResourceNotFoundError

        container = self._storage.container_client(self._container)
        with self._storage.explained():
            for name in DEFINITION_FILES:
                try:
                    container.delete_blob(self.definition(name).name, **options)
                except ResourceNotFoundError:
                    continue

    def program(self, folder: BlobRef, *, keep_folders: bool) -> dict[str, BlobRef]:
        """The files of a program, by their path in the working directory.

        Raises:
            SpecError: there is none, or two of them would be the same file.
        """
        with self._storage.explained():
            listed = self._storage.container_client(folder.container).list_blob_names(
                name_starts_with=folder.name
            )
            names = list(listed)
        return program_files(names, folder, keep_folders=keep_folders)

    def streams(self, job_id: str) -> list[str]:
        """URLs of the copies of stdout and stderr, without any SAS."""
        return [
            self._storage.blob_url(self._container, f"{job_id}/{TASK_ID}/{name}.txt")
            for name in ("stdout", "stderr")
        ]

    def custom_output(self, job_id: str) -> Any:
        """What the program has written to ``outputs.json``; None when it has written none.

        Raises:
            BatchResultError: larger than Data Factory takes, or no JSON.
        """
        from azure.core.exceptions import ResourceNotFoundError

        name = f"{job_id}/{TASK_ID}/{OUTPUTS_FILE}"
        with self._storage.explained():
            try:
                data = self._storage.read_blob(self._container, name, CUSTOM_OUTPUT_BYTES + 1)
            except ResourceNotFoundError:
                return None
        return parse_result(data, OUTPUTS_FILE, TASK_ID, CUSTOM_OUTPUT_BYTES)


async def read_secrets(storage: StorageAccess, places: Iterable[str]) -> list[str] | None:
    """Secrets in definitions that are in storage; None when these cannot be read.

    Parameters:
        storage: the account of the Airflow connection.
        places: the blobs, as ``container/name``.
    """
    from azure.core.exceptions import AzureError

    found: list[str] = []
    try:
        for place in places:
            ref = blob(place)
            text = await storage.aread_blob(ref.container, ref.name, DEFINITION_BYTES)
            found += secrets_in(json.loads(text))
    except (AzureError, ValueError):
        return None
    return found


async def delete_definitions(storage: StorageAccess, places: Iterable[str]) -> None:
    """Delete definitions of an activity whose operator does not come back to it.

    Parameters:
        storage: the account of the Airflow connection.
        places: the blobs, as ``container/name``; one that is not there is no matter.

    Raises:
        azure.core.exceptions.AzureError: storage refused, or did not answer.
    """
    from azure.core.exceptions import ResourceNotFoundError

    async with storage.async_blob_client() as client:
        for place in places:
            ref = blob(place)
            try:
                await client.get_blob_client(ref.container, ref.name).delete_blob()
            except ResourceNotFoundError:
                continue
