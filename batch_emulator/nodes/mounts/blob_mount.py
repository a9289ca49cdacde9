"""One container as one folder."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batch_emulator.nodes.directories import OutsideError, inside
from batch_emulator.nodes.mounts.plan import Known, LocalFile, plan_download, plan_upload
from batch_emulator.nodes.storage import container_client
from batch_emulator.nodes.transfer import in_parallel

__all__ = ["BlobMount", "is_read_only"]

_PARALLEL = 4
# A container knows no modes: as blobfuse shows them, all may do all.
_MODE = 0o777


def is_read_only(options: str | None) -> bool:
    """Whether blobfuse's options ask for a folder that is not written back.

    :raises ValueError: the options cannot be split.
    """
    words = shlex.split(options or "")
    flags = [flag for word in words for flag in word.removeprefix("-o").split(",")]
    return bool({"ro", "--read-only", "--read-only=true"} & set(flags))


@dataclass
class BlobMount:
    """A folder in step with a container. Use one at a time; the folder's tasks may write meanwhile.

    :param folder: the mount point.
    :param url: of the container, with a SAS.
    :param memory: file that keeps what the two agreed on.
    :param skipped: names of blobs that cannot be files here.
    """

    folder: Path
    url: str = field(repr=False)
    memory: Path
    read_only: bool = False
    skipped: list[str] = field(default_factory=list)

    async def download(self, *, anew: bool = False) -> int:
        """Bring the container's changes into the folder.

        :param anew: the folder may have been lost: what is not there was not deleted by a task.
        :returns: how many files were written or deleted.
        :raises AzureError: the container cannot be read.
        :raises OSError: the folder cannot be written.
        """
        self.skipped.clear()
        async with container_client(self.url) as client:
            remote = self._usable([blob async for blob in client.list_blobs(include=["metadata"])])
            local = await asyncio.to_thread(self._look)
            known = self._recall()
            if anew:
                known = {path: agreed for path, agreed in known.items() if path in local}
            plan = plan_download(remote, local, known)
            fetched = await in_parallel((self._fetch(client, path) for path in plan.fetch), _PARALLEL)
        for path in plan.delete:
            with suppress(FileNotFoundError):
                (self.folder / path).unlink()
            known.pop(path)
        known.update({path: agreed for path, agreed in fetched if agreed is not None})
        self._remember(known)
        return len(plan.fetch) + len(plan.delete)

    async def upload(self) -> int:
        """Bring the folder's changes into the container.

        :returns: how many blobs were written or deleted.
        :raises AzureError: the container cannot be written.
        """
        if self.read_only:
            return 0
        known = self._recall()
        plan = plan_upload(await asyncio.to_thread(self._look), known)
        if not plan.upload and not plan.delete:
            return 0
        async with container_client(self.url) as client:
            sent = await in_parallel((self._send(client, path) for path in plan.upload), _PARALLEL)
            await in_parallel((_delete(client, path) for path in plan.delete), _PARALLEL)
        for path in plan.delete:
            known.pop(path)
        known.update({path: agreed for path, agreed in sent if agreed is not None})
        self._remember(known)
        return len(plan.upload) + len(plan.delete)

    def _usable(self, blobs: Iterable[Any]) -> dict[str, str]:
        """ETags by path of the blobs that can be files here. Marks of directories become directories."""
        found: dict[str, str] = {}
        folders = {parent for blob in blobs for parent in _parents(blob.name)}
        for blob in blobs:
            try:
                path = inside(self.folder, blob.name)
            except OutsideError:
                self.skipped.append(blob.name)
                continue
            if (blob.metadata or {}).get("hdi_isfolder") == "true":
                path.mkdir(parents=True, exist_ok=True)
            elif str(path.relative_to(self.folder)) != blob.name or blob.name in folders:
                self.skipped.append(blob.name)  # such as 'a//b', or 'a' beside 'a/b'
            else:
                found[blob.name] = _bare(blob.etag)
        return found

    def _look(self) -> dict[str, LocalFile]:
        found: dict[str, LocalFile] = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    status = os.lstat(path)
                    # A link may lead anywhere; a pipe or socket has no content.
                    if stat.S_ISREG(status.st_mode):
                        found[os.path.relpath(path, self.folder)] = _local(status)
        return found

    async def _fetch(self, client: Any, path: str) -> tuple[str, Known | None]:
        from azure.core.exceptions import ResourceNotFoundError

        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the folder, so that it is on the same disk and seen by no task before it is whole.
        descriptor, name = tempfile.mkstemp(dir=self.memory.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                stream = await client.download_blob(path)
                await stream.readinto(file)
            os.chmod(name, _MODE)
            os.replace(name, target)
        except ResourceNotFoundError:
            return path, None  # deleted meanwhile
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
        return path, Known(_bare(stream.properties.etag), _local(target.stat()))

    async def _send(self, client: Any, path: str) -> tuple[str, Known | None]:
        try:
            with (self.folder / path).open("rb") as file:
                status = os.fstat(file.fileno())
                answer = await client.get_blob_client(path).upload_blob(
                    file, length=status.st_size, overwrite=True
                )
        except FileNotFoundError:
            return path, None  # deleted meanwhile: the next look sees it
        return path, Known(_bare(answer["etag"]), _local(status))

    def _recall(self) -> dict[str, Known]:
        try:
            rows = json.loads(self.memory.read_bytes())
        except FileNotFoundError:
            return {}
        return {path: Known(etag, LocalFile(*file)) for path, (etag, file) in rows.items()}

    def _remember(self, known: dict[str, Known]) -> None:
        half = self.memory.with_suffix(".new")
        half.write_text(json.dumps(known))
        half.replace(self.memory)


async def _delete(client: Any, path: str) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    with suppress(ResourceNotFoundError):
        await client.delete_blob(path)


def _parents(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _local(status: os.stat_result) -> LocalFile:
    return LocalFile(status.st_size, status.st_mtime_ns)


def _bare(etag: str) -> str:
    # A list has it without quotes, everything else with them.
    return etag.strip('"')
