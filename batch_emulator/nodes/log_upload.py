"""Log files of a node into a container. Source: *Compute Node - Upload Batch Service Logs*."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from batch_emulator.nodes.logs import NodeLogs
from batch_emulator.nodes.storage import ContainerUrlError, LinkedStorage, container_client, without_secrets
from batch_emulator.service.nodes.node_logs import LogRequest

__all__ = ["LogFile", "read_logs", "upload_logs"]

_log = logging.getLogger(__name__)
_UPLOAD_SECONDS = 600.0
LogFile = tuple[str, bytes]


def read_logs(logs: NodeLogs, request: LogRequest) -> list[LogFile]:
    """Name and content of the files that are asked for, as they are now."""
    files: list[LogFile] = []
    for path in logs.between(request.pool_id, request.node_id, request.start, request.end):
        with suppress(FileNotFoundError):  # renamed meanwhile
            files.append((path.name, path.read_bytes()))
    return files


async def upload_logs(storage: LinkedStorage | None, request: LogRequest, files: list[LogFile]) -> None:
    """Upload them. Whoever asked was answered already, so that a failure can only be logged.

    :param storage: the linked storage account; stands in where an identity is to be used.
    """
    shown = without_secrets(request.container_url)
    try:
        await asyncio.wait_for(_upload(storage, request, files), _UPLOAD_SECONDS)
    except ContainerUrlError:
        _log.warning("logs of node %s: %s is no URL of a container", request.node_id, shown)
    except Exception as error:
        # The text of these errors may repeat the URL with its signature.
        status = getattr(error, "status_code", None)
        reason = f"HTTP status {status}" if status else type(error).__name__
        _log.warning("logs of node %s cannot be uploaded to %s: %s", request.node_id, shown, reason)


async def _upload(storage: LinkedStorage | None, request: LogRequest, files: list[LogFile]) -> None:
    url = request.container_url
    if request.identity is not None and storage is not None and storage.holds(url):
        url = await storage.signed(url, "rcw")
    async with container_client(url) as client:
        for name, content in files:
            await client.upload_blob(f"{request.directory}/{name}", content, overwrite=True)
