"""A node's disk in the form in which the HTTP layer asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from batch_emulator.nodes import files
from batch_emulator.rest.backend import FileInfo

__all__ = ["Disk"]


class Disk:
    """The files of one node. The rooms of nodes and of HTTP do not know each other's records."""

    def __init__(self, node_files: files.NodeFiles) -> None:
        self._files = node_files

    async def list(self, path: str, recursive: bool) -> list[FileInfo]:
        """See :meth:`batch_emulator.nodes.files.NodeFiles.list`."""
        return [_translated(info) for info in await self._files.list(path, recursive)]

    async def stat(self, path: str) -> FileInfo:
        """See :meth:`batch_emulator.nodes.files.NodeFiles.stat`."""
        return _translated(await self._files.stat(path))

    def read(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        """See :meth:`batch_emulator.nodes.files.NodeFiles.read`."""
        return self._files.read(path, start, end)

    async def delete(self, path: str, recursive: bool) -> None:
        """See :meth:`batch_emulator.nodes.files.NodeFiles.delete`."""
        await self._files.delete(path, recursive)


def _translated(info: files.FileInfo) -> FileInfo:
    return FileInfo(info.name, info.is_directory, info.size, info.last_modified, info.mode)
