"""Files uploaded to containers when a task's process has ended.

Source: Azure Batch: *Persist task data to Azure Storage with the Batch service API*.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_emulator.nodes.directories import TaskLayout
from batch_emulator.nodes.output_patterns import OutputMatch, find_outputs
from batch_emulator.nodes.storage import (
    ContainerUrlError,
    LinkedStorage,
    container_client,
    load_azure,
    without_secrets,
)
from batch_emulator.nodes.transfer import TransferError, in_parallel
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure

__all__ = ["OutputFiles", "applies", "upload_options"]

_PARALLEL = 4
_PARALLEL_BLOCKS = 2
_UPLOAD_SECONDS = 3600.0
_MESSAGES = {
    "FileUploadContainerNotFound": "One of the specified Azure container(s) was not found while attempting "
    "to upload an output file",
    "FileUploadAccessDenied": "Access to one of the specified Azure container(s) was denied while "
    "attempting to upload an output file",
    "FileUploadMiscError": "A miscellaneous error was encountered while uploading one of the output files",
    "FileUploadTimedOut": "Timed out while attempting to upload one of the output files",
}
_SERVER_ERRORS = {"FileUploadMiscError", "FileUploadTimedOut"}
_CONTENT_HEADERS = {
    "content-type": "content_type",
    "content-encoding": "content_encoding",
    "content-language": "content_language",
    "content-disposition": "content_disposition",
    "cache-control": "cache_control",
}


def applies(output: Json, exit_code: int) -> bool:
    """Whether an output file is to be uploaded after a process that ended with an exit code."""
    condition = (output.get("uploadOptions") or {}).get("uploadCondition", "taskcompletion").lower()
    if condition == "tasksuccess":
        return exit_code == 0
    return condition != "taskfailure" or exit_code != 0


def upload_options(azure: Any, headers: Sequence[Json]) -> Json:
    """``uploadHeaders`` as arguments of the storage client's ``upload_blob``.

    :param azure: the module ``azure.storage.blob``.
    """
    settings: Json = {}
    metadata: Json = {}
    options: Json = {}
    others: Json = {}
    for header in headers:
        name, value = header["name"].lower(), header.get("value") or ""
        content = _CONTENT_HEADERS.get(name.removeprefix("x-ms-blob-"))
        if content:
            settings[content] = value
        elif name.startswith("x-ms-meta-"):
            metadata[name.removeprefix("x-ms-meta-")] = value
        elif name == "x-ms-access-tier":
            options["standard_blob_tier"] = value
        else:
            others[header["name"]] = value
    if settings:
        options["content_settings"] = azure.ContentSettings(**settings)
    if metadata:
        options["metadata"] = metadata
    if others:
        options["headers"] = others
    return options


@dataclass(frozen=True)
class OutputFiles:
    """Uploads output files.

    :param storage: the linked storage account; needed where a container is given with an identity.
    :param upload_seconds: that all files of one pattern may take.
    """

    storage: LinkedStorage | None
    upload_seconds: float = _UPLOAD_SECONDS

    async def upload(
        self,
        outputs: Sequence[Json],
        exit_code: int,
        task: TaskLayout,
        environment: Mapping[str, str],
        identities: Sequence[str],
    ) -> None:
        """Upload what applies after an exit code, and log it beside the task's streams.

        The logs are written only when there was something to do. All files are tried, also after one failed.

        :param outputs: ``outputFiles`` in wire form.
        :raises TransferError: with the failure of the first output that could not be uploaded.
        """
        due = [output for output in outputs if applies(output, exit_code)]
        if not due:
            return
        log = _UploadLog(task.upload_out, task.upload_err)
        try:
            for output in due:
                await self._upload_one(output, task, environment, identities, log)
        finally:
            log.write()
        if log.first_error is not None:
            raise log.first_error

    async def _upload_one(
        self,
        output: Json,
        task: TaskLayout,
        environment: Mapping[str, str],
        identities: Sequence[str],
        log: _UploadLog,
    ) -> None:
        destination = output["destination"]["container"]
        pattern = output["filePattern"]
        # A walk through many files must not stop the emulator.
        matches = await asyncio.to_thread(
            find_outputs, pattern, task.working, environment, destination.get("path")
        )
        log.matched(pattern, len(matches))
        if not matches:
            return
        try:
            url = await self._container_url(destination, identities, pattern)
            await asyncio.wait_for(
                _upload_all(url, matches, destination.get("uploadHeaders") or [], log), self.upload_seconds
            )
        except asyncio.TimeoutError:
            log.failed(pattern, _error("FileUploadTimedOut", pattern, destination["containerUrl"], ""))
        except ContainerUrlError:
            log.failed(
                pattern, _error("FileUploadMiscError", pattern, "", "The container's URL is malformed.")
            )
        except TransferError as error:
            log.failed(pattern, error)

    async def _container_url(self, destination: Json, identities: Sequence[str], pattern: str) -> str:
        url: str = destination["containerUrl"]
        reference = (destination.get("identityReference") or {}).get("resourceId")
        if not reference:
            return url
        if reference.lower() not in {identity.lower() for identity in identities}:
            message = f"The identity '{reference}' is not assigned to the pool."
            raise _error("FileUploadMiscError", pattern, url, message, category="usererror")
        if self.storage is None or not self.storage.holds(url):
            message = (
                "A local node has no real identity: the emulator can stand in for one in its linked storage "
                "account only, and this container is not in it. Use a SAS, or --storage-connection-string."
            )
            raise _error("FileUploadAccessDenied", pattern, url, message)
        return await self.storage.signed(url, "rcw")


class _UploadLog:
    """``fileuploadout.txt`` and ``fileuploaderr.txt`` in the making."""

    def __init__(self, out: Path, err: Path) -> None:
        self._files = (out, err)
        self._out: list[str] = []
        self._err: list[str] = []
        self.first_error: TransferError | None = None

    def matched(self, pattern: str, count: int) -> None:
        self._out.append(f"Pattern '{pattern}' matched {count} file(s).")

    def uploaded(self, match: OutputMatch, size: int) -> None:
        self._out.append(f"Uploaded '{match.file}' as '{match.blob_name}' ({size} bytes).")

    def failed(self, pattern: str, error: TransferError) -> None:
        details = "; ".join(f"{name}: {value}" for name, value in error.failure.details)
        self._err.append(f"Pattern '{pattern}': {error.failure.code}: {error.failure.message}. {details}")
        self.first_error = self.first_error or error

    def write(self) -> None:
        for path, lines in zip(self._files, (self._out, self._err), strict=True):
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


async def _upload_all(
    url: str, matches: Sequence[OutputMatch], headers: Sequence[Json], log: _UploadLog
) -> None:
    options = upload_options(await load_azure(), headers)
    async with container_client(url) as client:
        await in_parallel((_upload_file(client, url, match, options, log) for match in matches), _PARALLEL)


async def _upload_file(client: Any, url: str, match: OutputMatch, options: Json, log: _UploadLog) -> None:
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        with match.file.open("rb") as file:
            # A background process may still be writing: what is there now is what is uploaded.
            size = os.fstat(file.fileno()).st_size
            await client.upload_blob(
                match.blob_name,
                file,
                length=size,
                overwrite=True,
                max_concurrency=_PARALLEL_BLOCKS,
                **options,
            )
    except HttpResponseError as error:
        code = _code_of(error.status_code or 0)
        raise _error(code, str(match.file), url, f"HTTP status {error.status_code}") from None
    except (AzureError, OSError) as error:
        raise _error("FileUploadMiscError", str(match.file), url, type(error).__name__) from None
    log.uploaded(match, size)


def _code_of(status: int) -> str:
    if status == 404:
        return "FileUploadContainerNotFound"
    return "FileUploadAccessDenied" if status in (401, 403, 409) else "FileUploadMiscError"


def _error(code: str, file_path: str, url: str, message: str, category: str | None = None) -> TransferError:
    details = [("FilePath", file_path)]
    if url:
        details.append(("Container", without_secrets(url)))
    if message:
        details.append(("Message", message))
    category = category or ("servererror" if code in _SERVER_ERRORS else "usererror")
    return TransferError(Failure(code, _MESSAGES[code], category, tuple(details)))
