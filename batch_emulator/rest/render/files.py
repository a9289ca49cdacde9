"""Files of nodes and tasks: list items and headers.

Source: Azure Batch REST reference, *File - List From Task*, *File - Get Properties From Compute Node*.
"""

from __future__ import annotations

import mimetypes
from urllib.parse import quote

from batch_emulator.rest.backend import FileInfo
from batch_emulator.rest.values import format_http_date
from batch_emulator.service.entities import Json
from batch_emulator.service.times import format_time

BINARY = "application/octet-stream"


def render_file(name: str, url: str, file: FileInfo) -> Json:
    """An item of a list of files.

    :param name: relative to the directory that is listed: the node's root or the task's directory.
    """
    item: Json = {"name": name, "url": url, "isDirectory": file.is_directory}
    if not file.is_directory:
        item["properties"] = {
            "lastModified": format_time(file.last_modified),
            "contentLength": str(file.size),
            "contentType": BINARY,
            "fileMode": oct(file.mode),
        }
    return item


def file_headers(url: str, file: FileInfo) -> dict[str, str]:
    """The headers of HEAD and GET on a file. Linux keeps no creation time; the last change stands for it."""
    return {
        "Content-Type": mimetypes.guess_type(file.name)[0] or BINARY,
        "Last-Modified": format_http_date(file.last_modified),
        "ETag": file_etag(file),
        "ocp-creation-time": format_http_date(file.last_modified),
        "ocp-batch-file-isdirectory": str(file.is_directory),
        "ocp-batch-file-mode": oct(file.mode),
        "ocp-batch-file-url": quote(url, safe=""),
    }


def file_etag(file: FileInfo) -> str:
    """Changes when the file's size or time of change does."""
    return f"0x{int(file.last_modified.timestamp() * 1_000_000):X}{file.size:X}"


def file_url(parent_url: str, name: str) -> str:
    """The URL of a file of a node or task."""
    return f"{parent_url}/files/{quote(name)}"
