"""What has to be done to bring a folder and a container in step. Pure.

Three sides are compared: the container, the folder, and what the folder was like when the two last agreed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Download", "Known", "LocalFile", "Upload", "plan_download", "plan_upload"]


class LocalFile(NamedTuple):
    """What tells one content of a file from another.

    :param size: in bytes.
    :param modified: in nanoseconds.
    """

    size: int
    modified: int


class Known(NamedTuple):
    """A file as it was when folder and container agreed on it."""

    etag: str
    file: LocalFile


@dataclass(frozen=True)
class Download:
    """Paths to be fetched from the container, and paths to be deleted in the folder."""

    fetch: tuple[str, ...]
    delete: tuple[str, ...]


@dataclass(frozen=True)
class Upload:
    """Paths to be uploaded, and paths to be deleted in the container."""

    upload: tuple[str, ...]
    delete: tuple[str, ...]


def plan_download(
    remote: Mapping[str, str], local: Mapping[str, LocalFile], known: Mapping[str, Known]
) -> Download:
    """What the container has to tell the folder.

    :param remote: ETags by path.
    """
    fetch, delete = [], []
    for path, etag in remote.items():
        agreed = known.get(path)
        if agreed is not None and agreed.etag == etag:
            continue
        if not _changed_here(path, local, agreed):
            fetch.append(path)
    for path, agreed in known.items():
        if path not in remote and path in local and not _changed_here(path, local, agreed):
            delete.append(path)
    return Download(tuple(fetch), tuple(delete))


def plan_upload(local: Mapping[str, LocalFile], known: Mapping[str, Known]) -> Upload:
    """What the folder has to tell the container."""
    upload = [path for path in local if _changed_here(path, local, known.get(path))]
    return Upload(tuple(upload), tuple(path for path in known if path not in local))


def _changed_here(path: str, local: Mapping[str, LocalFile], agreed: Known | None) -> bool:
    here = local.get(path)
    if here is None:
        return False
    return agreed is None or agreed.file != here
