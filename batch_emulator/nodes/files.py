"""The disk of a node as the file API sees it. Paths are relative to the node's root and stay below it."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from batch_emulator.nodes.directories import OutsideError, inside

__all__ = ["FileInfo", "NodeFiles"]

_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class FileInfo:
    """A file or directory on a node.

    :param name: relative to the node's root, separated by ``/``.
    :param size: in bytes.
    :param mode: as ``stat`` gives it, file type included.
    """

    name: str
    is_directory: bool
    size: int
    last_modified: datetime
    mode: int


# Inside the class, the name `list` is the method's.
Listing = list[FileInfo]


@dataclass(frozen=True)
class NodeFiles:
    """Lists, reads and removes the files of one node.

    Symbolic links are followed only where they lead to something below the root.
    """

    root: Path

    async def list(self, path: str, recursive: bool) -> Listing:
        """What a directory holds, in order of names; directories come before what they hold.

        :raises FileNotFoundError: there is no such directory.
        """
        folder, name = self._locate(path), _normal(path)
        return await asyncio.to_thread(lambda: [*self._walk(folder, name, recursive)])

    async def stat(self, path: str) -> FileInfo:
        """One file or directory.

        :raises FileNotFoundError: there is none.
        """
        return _info(self._locate(path), _normal(path))

    async def read(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``end``; ``None``: what is there by now.

        :raises FileNotFoundError: there is no such file.
        """
        located = self._locate(path)
        if located.is_dir():
            raise FileNotFoundError(path)
        with located.open("rb") as file:
            file.seek(start)
            left = (os.fstat(file.fileno()).st_size if end is None else end) - start
            while left > 0:
                chunk = file.read(min(left, _CHUNK_BYTES))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk

    async def delete(self, path: str, recursive: bool) -> None:
        """Remove a file, or a directory with all it holds. A link is removed, not what it leads to.

        :raises FileNotFoundError: there is none.
        :raises OSError: a directory is not empty, and ``recursive`` is not set.
        """
        name = _normal(path)
        if not name:
            raise PermissionError("The root of a node cannot be removed.")
        parent, _, last = name.rpartition("/")
        named = self._locate(parent) / last
        if named.is_symlink() or not named.is_dir():
            named.unlink()
        elif recursive:
            await asyncio.to_thread(shutil.rmtree, named)
        else:
            named.rmdir()

    def _locate(self, path: str) -> Path:
        try:
            located = inside(self.root, _normal(path)).resolve(strict=True)
        except (OutsideError, OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            raise FileNotFoundError(path) from None
        if not located.is_relative_to(self.root.resolve()):
            raise FileNotFoundError(path)
        return located

    def _walk(self, folder: Path, prefix: str, recursive: bool) -> Iterator[FileInfo]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except NotADirectoryError:
            raise FileNotFoundError(prefix) from None
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            try:
                info = _info(self._locate(name) if entry.is_symlink() else Path(entry.path), name)
                yield info
                if recursive and info.is_directory and not entry.is_symlink():
                    yield from self._walk(Path(entry.path), name, recursive)
            except OSError:
                continue  # it has gone meanwhile, or is a link to nowhere


def _normal(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _info(path: Path, name: str) -> FileInfo:
    status = path.stat()
    return FileInfo(
        name=name,
        is_directory=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        last_modified=datetime.fromtimestamp(status.st_mtime, timezone.utc),
        mode=status.st_mode,
    )
